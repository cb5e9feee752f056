import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { compareModels } from '../../src/compare/compare.ts'
import { createRandom, type Random } from '../../src/stats/random.ts'
import { type Noise, noises } from './noise.ts'
import { baselineReport, referenceReport } from './simulation.ts'
import type { SimulatedReport } from './tally.ts'

const root = join(import.meta.dirname, '../..')

/** Short, and another one whenever what runs in these files changes: comments and types do not. */
export function hashOfCode(files: readonly string[]): string {
  const hash = createHash('sha256')
  const options = { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8')
    hash.update(ts.transpileModule(text, { compilerOptions: options, fileName: file }).outputText)
  }
  return hash.digest('hex').slice(0, 8)
}

/** What is simulated: comparisons with a reference, with looks; and with a stored baseline and its history. */
export type Part = 'reference' | 'baseline'

const parts = Object.freeze({
  /** Without a change, and with changes on both sides of the tolerance. */
  *reference(noise: Noise, random: Random) {
    for (const sd of [0.01, 0.03, 0.12])
      for (const change of [null, 'within', { p99: 0.1, throughput: 0.05 }] as const)
        for (const models of [1, 1, 1, 1, 1, 10, 10])
          yield referenceReport({ noise, models, repetitions: 14, sd, change }, random)
  },
  *baseline(noise: Noise, random: Random) {
    for (const sd of [0.01, 0.03, 0.12])
      for (const points of [1, 10, 30])
        yield baselineReport({ noise, models: 10, sd, worse: 0.3 }, points, random)
  },
}) satisfies Record<Part, (noise: Noise, random: Random) => Iterable<SimulatedReport>>

function* probes(part: Part): Generator<SimulatedReport> {
  const random = createRandom(1)
  for (const noise of Object.keys(noises) as Noise[]) yield* parts[part](noise, random)
}

/**
 * What simulated results of one part hold for: how the reports come about, and what the whole comparison makes of 2250 rows
 * (900 of the baseline's), every number of them but the words. Only what decides makes results stale, wherever it stands: a level,
 * a bound or a rule shows in a p-value, an interval, a detectable change or a status. What shows in none of them changes fewer
 * than one row in 700 (in 300; 95 %).
 */
export function codeKey(part: Part): string {
  const hash = createHash('sha256')
  hash.update(hashOfCode(['test/calibration/noise.ts', 'test/calibration/simulation.ts']))
  for (const report of probes(part)) {
    for (const { comparisons } of compareModels(report.input).models) {
      for (const row of comparisons.filter(({ primary }) => primary)) {
        const { status, changeRatio, changeInterval, repetitions, tolerance, pValue, detectableChange } = row
        hash.update(
          JSON.stringify([
            status,
            changeRatio,
            changeInterval,
            repetitions,
            tolerance,
            pValue,
            detectableChange,
          ]),
        )
      }
    }
  }
  return hash.digest('hex').slice(0, 16)
}
