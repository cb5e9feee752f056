import { loadKey } from '../domain/load.ts'
import { type Baseline, type BaselineModel, repeatedNames } from '../domain/measurements.ts'
import { largestValue, type MetricName } from '../domain/metric.ts'
import { gatedScenarios, type Scenario } from '../domain/scenario.ts'
import { configHash } from './migrate.ts'

/** A difference of two averages may be below zero; every other metric is a count, a time or an amount. */
const maybeNegative: ReadonlySet<string> = new Set<MetricName>(['networkOverheadNs'])
/** Ratios are taken of these, so that zero is as wrong as a negative number. */
const isRatioMetric = (name: string) => name.startsWith('latency') || name === 'inferPerSec'

/** What the schema cannot say: numbers that no measurement gives, and things that stand there twice. Empty if all is well. */
export function implausibilities(baseline: Baseline): string[] {
  const scenarios = baseline.models.flatMap((model) =>
    model.scenarios.map((scenario) => ({ name: `${model.name} at ${loadKey(scenario.load)}`, scenario })),
  )
  const absurd = baseline.history.filter(({ value }) => value > largestValue)
  return [
    ...absurd.map(
      ({ model, load, metric, value }) => `history of ${model} at ${load}: ${metric} is ${value}`,
    ),
    ...(baseline.models.length === 0 ? ['models: it holds no model'] : []),
    ...repeated(baseline.models.map(({ name }) => `model ${name}`)),
    ...repeated(scenarios.map(({ name }) => name)),
    ...baseline.models.flatMap((model) => ofModel(model).map((problem) => `${model.name}: ${problem}`)),
    ...scenarios.flatMap(({ name, scenario }) => [
      ...notGated(scenario).map((problem) => `${name}: ${problem}`),
      ...repeated(scenario.repetitions.map(({ index }) => `repetition ${index + 1}`)).map(
        (problem) => `${name}: ${problem}`,
      ),
      ...impossibleValues(scenario).map((problem) => `${name}: ${problem}`),
    ]),
  ]
}

/** A baseline holds committed configurations that were measured, and nothing else. */
function notGated(scenario: Scenario): string[] {
  const gated = gatedScenarios({ scenarios: [scenario] }).length === 1 && scenario.status === 'measured'
  return gated ? [] : ['not a measurement of the committed configuration']
}

/** A model's own hash, and what its sweep found. */
function ofModel({ configText, configHash: hash, search }: BaselineModel): string[] {
  return [
    ...(hash === configHash(configText) ? [] : ['configHash is not the hash of configText']),
    ...impossible(Object.entries(search?.answer?.metrics ?? {})),
  ]
}

function impossibleValues(scenario: Scenario): string[] {
  return impossible([
    ...Object.entries(scenario.metrics).map(([name, metric]) => [name, metric?.value] as const),
    ...scenario.repetitions.flatMap(({ metrics }) => Object.entries(metrics)),
  ])
}

function impossible(
  values: readonly (readonly [name: string, value: number | null | undefined])[],
): string[] {
  return values.flatMap(([name, value = null]) => {
    if (value === null) return []
    const tooLow = isRatioMetric(name) ? value <= 0 : value < 0 && !maybeNegative.has(name)
    return tooLow || Math.abs(value) > largestValue ? [`${name} is ${value}`] : []
  })
}

function repeated(names: readonly string[]): string[] {
  return repeatedNames(names).map((name) => `${name} stands there twice`)
}
