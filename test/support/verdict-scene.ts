import { compareModels } from '../../src/compare/compare.ts'
import type { CompareInput } from '../../src/compare/sides.ts'
import { decide } from '../../src/compare/verdict.ts'
import type { Constraint } from '../../src/config/config.ts'
import type { Measurements } from '../../src/domain/measurements.ts'
import { type BaselineStatus, type Verdict, verdictSchema } from '../../src/domain/result.ts'
import type { ModelMeasurement, Repetition, Scenario } from '../../src/domain/scenario.ts'
import { makeConfig, makeMeasurements, makeModel, makeRepetition, makeScenario } from './make-measurements.ts'

export const name = 'text_recognition'
/** Each side has a spread of its own, so that neither looks like a clock that stands still. */
export const repetitions = (factor = 1, change: (index: number) => Partial<Repetition> = () => ({})) =>
  [0.99, 1.01, 1, 1.005, 0.995].map((wobble, index) =>
    makeRepetition(
      index,
      { latencyP99Ns: 41.2e6 * wobble * factor, inferPerSec: 300 / wobble },
      change(index),
    ),
  )
export const model = (
  reps = repetitions(),
  scenario: Partial<Scenario> = {},
  change: Partial<ModelMeasurement> = {},
) => makeModel(name, [makeScenario(reps, scenario)], change)
export const failedModel = makeModel(name, [], {
  status: 'failed',
  error: { message: 'model.py raised', hint: 'Mend it.' },
})

/** A scenario's metrics with `n` requests, of which the highest percentile is 30 ms. */
export const withoutP99 = (n: number, highest: 'latencyP95Ns' | 'latencyP90Ns'): Scenario['metrics'] => ({
  latencyP99Ns: {
    value: null,
    interval: null,
    n,
    unit: 'ns',
    reason: `p99 needs at least 299 requests, there were ${n}`,
  },
  [highest]: { value: 30e6, interval: null, n, unit: 'ns' },
})

export function decideOn(change: Partial<CompareInput>): Verdict {
  const input: CompareInput = {
    measurements: makeMeasurements([model()], [model()]),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config: makeConfig(),
    mode: 'gate',
    ...change,
  }
  return verdictSchema.parse(decide(input, compareModels(input)))
}
export const measured = (
  models: ModelMeasurement[],
  reference: ModelMeasurement[] | null,
  change?: Partial<Measurements>,
) => ({
  measurements: makeMeasurements(models, reference, change),
})
export const budget = (limit: number, metric: Constraint['metric'] = 'latencyP99Ns'): Constraint => ({
  name: 'latency_budget',
  metric,
  bound: 'max',
  limit,
})
export const unreadable = {
  status: 'unreadable',
  source: 'b.json',
  why: 'it is truncated',
  next: 'Measure.',
} as const
export const untrusted = {
  status: 'untrusted',
  source: 'artifact',
  why: 'from a fork',
  next: 'Measure.',
} as const
export const absent = { status: 'absent', source: 'artifact', next: 'Measure main.' } as const
export const incompatible: BaselineStatus = {
  status: 'incompatible',
  source: 'artifact',
  commit: null,
  createdAt: '',
  differences: ['GPU: A100 ≠ T4'],
  next: 'Use --reference.',
}
export const found = { status: 'found', source: 'b.json', commit: null, createdAt: '' } as const
