import { resolve } from 'node:path'
import { measurementsSchema } from '../domain/measurements.ts'
import { judgeAgainst } from '../judge.ts'
import { openOutput } from '../report/output.ts'
import { openAsked, openHistory } from './asked-baseline.ts'
import { readDataFile } from './data-file.ts'
import { configFrom, type GateOptions } from './gate-options.ts'
import { printResult } from './print-result.ts'
import type { Shell } from './shell.ts'

export interface CompareOptions
  extends Pick<
    GateOptions,
    'models' | 'latencyBudget' | 'minThroughput' | 'onInconclusive' | 'onMissingBaseline' | 'release'
  > {
  readonly measurements: string
  readonly baseline?: string
  readonly history?: string
  readonly config?: string
  readonly output: string
  readonly json?: boolean
}

/** `compare`: the verdict again, from the files, on any machine. */
export async function compare(shell: Shell, options: CompareOptions): Promise<number> {
  const config = await configFrom(shell, options)
  // The largest file first, while there is least beside it in memory.
  const opened = {
    baseline: await openAsked(shell, options.baseline),
    recent: await openHistory(shell, options.history, config),
  }
  const measurements = await readDataFile(options.measurements, measurementsSchema, 'measurements')
  const result = judgeAgainst({ measurements, config, mode: 'gate' }, opened)
  const output = openOutput(resolve(shell.cwd, options.output), 'judge')
  output.writeResult(result, null)
  return printResult(shell, result, options)
}
