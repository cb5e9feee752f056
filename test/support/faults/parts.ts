import type { Environment } from '../../../src/domain/environment.ts'
import type { Baseline, Measurements } from '../../../src/domain/measurements.ts'
import type { ModelMeasurement, Repetition, Scenario } from '../../../src/domain/scenario.ts'
import { steady } from '../compare-model.ts'
import { environment, makeBaseline, makeMeasurements, makeModel, makeScenario } from '../make-measurements.ts'
import type { Files } from './fault.ts'

// What the faults are made from: one model at one load, measured eight times, and a baseline that is as good.

export const name = 'm'
export const numbers = { latencyP99Ns: 40e6, inferPerSec: 300 }
export const model = (
  repetitions: readonly Repetition[] = steady(8, numbers),
  scenario: Partial<Scenario> = {},
  change: Partial<ModelMeasurement> = {},
) => makeModel(name, [makeScenario(repetitions, scenario)], change)
export const slower = (factor: number) =>
  model(steady(8, { latencyP99Ns: 40e6 * factor, inferPerSec: 300 / factor }))
export const failed = makeModel(name, [], {
  status: 'failed',
  error: { message: 'model.py raised ValueError', hint: 'Correct the model.' },
})
export const changed = (change: (index: number) => Partial<Repetition>) =>
  steady(8, numbers).map((repetition, index) => ({ ...repetition, ...change(index) }))
export const withMetric = (metric: string, value: number | null) =>
  model(steady(8, numbers).map((each) => ({ ...each, metrics: { ...each.metrics, [metric]: value } })))
export const voidFor = (reason: string): Partial<Repetition> => ({ status: 'void', voidReasons: [reason] })

export const alone = (models: ModelMeasurement[], change: Partial<Measurements> = {}): Partial<Files> => ({
  measurements: makeMeasurements(models, null, change),
})
/** Both sides were measured in this run; no baseline. */
export const beside = (
  models: ModelMeasurement[],
  reference: ModelMeasurement[],
  change: Partial<Measurements> = {},
): Partial<Files> => ({ measurements: makeMeasurements(models, reference, change), baseline: null })

/** Twelve quiet runs of the main branch. */
export const history = Array.from({ length: 12 }, (_, index) =>
  (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
    commit: `c${index}`,
    createdAt: `2025-12-${10 + index}T00:00:00Z`,
    model: name,
    load: 'concurrency=8',
    metric,
    spread: null,
    value: (metric === 'inferPerSec' ? 300 : 40e6) * (1 + 0.001 * (index % 3)),
  })),
).flat()
export const stored = makeBaseline([model()], { history })
export const storedText = JSON.stringify(stored)
/** As the first version wrote it, which kept of the settings one hash or nothing. */
export const olderBaseline = (settingsHash?: string, there: Environment = environment): string =>
  JSON.stringify({
    ...stored,
    environment: there,
    schemaVersion: 1,
    models: stored.models.map(({ configHash: _, conditions: __, ...each }) => ({ ...each, settingsHash })),
    history: history.map(({ spread: _, ...point }) => point),
  })
export const storedModels = (models: ModelMeasurement[]): Partial<Files> => ({
  baseline: makeBaseline(models, { history }),
})
export const storedWith = (change: Partial<Baseline>): Partial<Files> => ({
  baseline: { ...stored, ...change },
})
export const storedValue = (value: string): Partial<Files> => ({
  baseline: storedText.replace(/"inferPerSec":[\d.]+/, `"inferPerSec":${value}`),
})
export const otherMachine = { ...environment, host: { ...environment.host, runnerClass: 'other' } }
export const otherLoad = { mode: 'concurrency', concurrency: 16 } as const
