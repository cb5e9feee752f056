import { makeMeasurements } from '../make-measurements.ts'
import { baselineContent } from './baseline-content.ts'
import { baselineFile } from './baseline-file.ts'
import { baselineOnGithub } from './baseline-on-github.ts'
import { beforeMeasuring } from './before-measuring.ts'
import { configuring } from './configuring.ts'
import type { Fault, Files } from './fault.ts'
import { mainHistory } from './main-history.ts'
import { measuring } from './measuring.ts'
import { model, stored } from './parts.ts'

/** Nothing wrong: the control, without which a table of failures would prove nothing. */
export const soundFiles: Files = {
  measurements: makeMeasurements([model()]),
  baseline: stored,
  config: 'concurrency: 8\n',
  newest: null,
}

/** Every fault by what it is a fault of. Those that pass are here because they are no reason not to, and say so. */
export const faults: Readonly<Record<string, readonly Fault[]>> = {
  'The baseline file': baselineFile,
  'What the baseline holds': baselineContent,
  'The baseline on GitHub': baselineOnGithub,
  'The history of the main branch': mainHistory,
  'Before anything is measured': beforeMeasuring,
  'The measurement': measuring,
  'The configuration': configuring,
}
