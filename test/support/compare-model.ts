import { compareModels } from '../../src/compare/compare.ts'
import type { Comparison } from '../../src/domain/result.ts'
import { comparisonSchema } from '../../src/domain/result.ts'
import type { Repetition } from '../../src/domain/scenario.ts'
import {
  makeConfig,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
  type RepetitionNumbers,
} from './make-measurements.ts'

export const notRequested = { status: 'notRequested' } as const
export const found = { status: 'found', source: 'baseline.json', commit: null, createdAt: '' } as const

/** One model at one load, reference against candidate. */
export function compare(
  reference: readonly Repetition[],
  candidate: readonly Repetition[],
  config = makeConfig(),
) {
  const measurements = makeMeasurements(
    [makeModel('m', [makeScenario(candidate)])],
    [makeModel('m', [makeScenario(reference)])],
  )
  const input = { measurements, baseline: null, baselineStatus: notRequested, config, mode: 'gate' as const }
  const comparisons = compareModels(input).models[0]?.comparisons ?? []
  for (const comparison of comparisons) comparisonSchema.parse(comparison)
  return (metric: Comparison['metric']) => comparisons.find((each) => each.metric === metric)
}

/** Repetitions with a few per mille of spread about the numbers, always the same. */
export function steady(n: number, numbers: RepetitionNumbers, wobble = 0.004): Repetition[] {
  return Array.from({ length: n }, (_, index) => {
    const factor = 1 + wobble * (((index * 7) % 5) - 2)
    const { latencyP99Ns, inferPerSec, blocksP99Ns } = numbers
    return makeRepetition(index, {
      ...numbers,
      latencyP99Ns: latencyP99Ns * factor,
      inferPerSec: inferPerSec / factor,
      ...(blocksP99Ns === undefined ? {} : { blocksP99Ns: blocksP99Ns.map((p99) => p99 * factor) }),
    })
  })
}

export const base = { latencyP99Ns: 40e6, inferPerSec: 300 }
