import { loadKey, loadLabel } from '../domain/load.ts'
import { largestValue } from '../domain/metric.ts'
import {
  failureProblem,
  gatedScenarios,
  type ModelMeasurement,
  type Scenario,
  validRepetitions,
} from '../domain/scenario.ts'
import { type CompareInput, opponentFor } from './sides.ts'

/**
 * Why a scenario's numbers must not be judged, as a clause; null where they may. The profile voids what it sees going
 * wrong; this looks again, since a file may come from elsewhere.
 */
export function scenarioProblem(scenario: Scenario, maxFailureRatio: number): string | null {
  if (scenario.status === 'failed') return `the measurement failed: ${scenario.error ?? 'no reason given'}`
  const indices = scenario.repetitions.map(({ index }) => index)
  if (new Set(indices).size < indices.length)
    return 'a repetition stands there twice, which no measurement gives'
  const failing = failureProblem(scenario, maxFailureRatio)
  if (failing !== null) return failing
  const valid = validRepetitions(scenario)
  if (valid.length === 0) {
    const reasons = [...new Set(scenario.repetitions.flatMap(({ voidReasons }) => voidReasons))]
    return `no valid repetition${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
  }
  if (valid.some(({ client }) => client.saturated)) {
    return 'the load generator was saturated, so it measured itself and not the server'
  }
  const absurd = valid
    .flatMap(({ metrics }) => Object.entries(metrics))
    .find(([, value]) => Math.abs(value ?? 0) > largestValue)
  if (absurd !== undefined) return `${absurd[0]} is ${absurd[1]}, which no measurement gives`
  // Latencies are whole nanoseconds: four times the same is a clock that stands still or a copied number.
  const latencies = valid.map(({ metrics }) => metrics.latencyP50Ns ?? metrics.latencyP99Ns ?? null)
  if (valid.length >= 4 && latencies[0] !== null && new Set(latencies).size === 1) {
    return 'every repetition has the same latency to the nanosecond, which no clock measures'
  }
  return null
}

/**
 * What is wrong with a model's measurement on the candidate's side, one clause each: bad scenarios, and loads that
 * should have been measured. With a reference, its loads must all be there; else those of the configuration.
 */
export function modelProblems(model: ModelMeasurement, input: CompareInput): string[] {
  const scenarios = gatedScenarios(model)
  const measured = scenarios.map(({ load }) => loadKey(load))
  const opponent = opponentFor(input, model)
  const reference =
    opponent.kind === 'reference' ? opponent.models.find(({ name }) => name === model.name) : undefined
  const referenceLoads = reference === undefined ? [] : gatedScenarios(reference).map(({ load }) => load)
  const wanted = referenceLoads.length > 0 ? referenceLoads : input.config.settingsFor(model.name).loads
  return [
    ...(scenarios.length === 0 ? ['its committed configuration was not measured'] : []),
    ...(new Set(measured).size < measured.length ? ['a load was measured twice'] : []),
    ...wanted
      .filter((load) => scenarios.length > 0 && !measured.includes(loadKey(load)))
      .map((load) => `${loadLabel(load)} was not measured`),
    ...scenarios.flatMap((scenario) => {
      const problem = scenarioProblem(scenario, input.config.gate.maxFailureRatio)
      return problem === null ? [] : [`${loadLabel(scenario.load)}: ${problem}`]
    }),
  ]
}
