import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GateError, messageOf } from '../domain/error.ts'
import type { Baseline, Measurements } from '../domain/measurements.ts'
import { patchFile, patchFolder, type Result } from '../domain/result.ts'
import { writeWhole } from '../system/write-whole.ts'
import { renderCsv } from './csv.ts'
import { renderHtml } from './html.ts'
import { renderJson } from './json.ts'
import { renderMarkdown } from './markdown.ts'

/** The folder that a run writes into. Opened before anything is measured, so that nothing measured is lost for want of it. */
export interface Output {
  readonly directory: string
  readonly saveMeasurements: (measurements: Measurements) => void
  readonly logServer: (line: string) => void
  /** Writes the reports, the next baseline (where there is one) and the best configurations' patches. */
  readonly writeResult: (result: Result, baseline: Baseline | null) => void
}

/** Model Analyzer's name for the same rows. */
const inferenceCsv = 'metrics-model-inference.csv'

/** What an earlier run may have left here: a report of another run beside this one's would be taken for its own. */
const measured = ['measurements.json', 'server.log', 'baseline.json']
const judged = ['result.json', 'report.md', 'report.html', inferenceCsv, patchFolder]

/**
 * @param what `run` clears all that an earlier run left; `judge` and `resume` leave what was measured, which is
 * what they judge or go on with, and write the reports anew.
 */
export function openOutput(directory: string, what: 'run' | 'resume' | 'judge' = 'run'): Output {
  const path = (name: string) => join(directory, name)
  try {
    mkdirSync(directory, { recursive: true })
    for (const name of what === 'run' ? [...measured, ...judged] : judged) {
      rmSync(path(name), { recursive: true, force: true })
    }
    if (what === 'run') writeFileSync(path('server.log'), '')
  } catch (error) {
    const reason = messageOf(error)
    throw new GateError('environment', `the output folder ${directory} cannot be written: ${reason}`, {
      hint: 'Name a writable folder with --output (input output-directory).',
      cause: error,
    })
  }
  return {
    directory,
    saveMeasurements: (measurements) => writeWhole(path('measurements.json'), renderJson(measurements)),
    logServer: (line) => {
      try {
        appendFileSync(path('server.log'), `${line}\n`)
      } catch {
        // A full disk or a removed folder: the measurement goes on, and the next file that matters tells of it.
      }
    },
    writeResult: (result, baseline) => {
      writeWhole(path('result.json'), renderJson(result))
      // Without indentation: with it, a long history is half as large again, and more than may be read.
      if (baseline !== null) writeWhole(path('baseline.json'), renderJson(baseline, 0))
      for (const model of result.models) {
        if (model.best?.patch == null) continue
        mkdirSync(path(patchFolder), { recursive: true })
        // The repository's reader allows only plain model names: no path can hide in one.
        writeWhole(path(patchFile(model.name)), model.best.patch)
      }
      writeWhole(path(inferenceCsv), renderCsv(result))
      writeWhole(path('report.md'), renderMarkdown(result))
      writeWhole(path('report.html'), renderHtml(result))
    },
  }
}
