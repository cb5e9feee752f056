import type { Limits } from '../domain/limits.ts'
import type { Config } from './config.ts'

/** What a configuration lets pass, as plain JSON, for these models and those that it names. */
export function limitsOf(config: Config, models: readonly string[]): Limits {
  const { gate } = config
  return {
    gated: config.models === null ? null : [...config.models],
    models: [...new Set([...models, ...(config.models ?? [])])].map((name) => {
      const { loads, constraints, tolerance, requests } = config.settingsFor(name)
      return {
        name,
        loads: [...loads],
        constraints: constraints.map(({ name: tag, metric, bound, limit }) => ({
          name: tag,
          metric,
          bound,
          limit,
        })),
        tolerance: { ...tolerance },
        checkOutputs: requests.checkOutputs,
      }
    }),
    onInconclusive: gate.onInconclusive,
    onMissingBaseline: gate.onMissingBaseline,
    release: gate.release,
    maxFailureRatio: gate.maxFailureRatio,
    repetitions: gate.repetitions,
    screening: gate.screening,
    onCreep: gate.onCreep,
    accepted: [...gate.accepted],
  }
}
