import type { Problem } from '../domain/error.ts'
import { type Load, together } from '../domain/load.ts'
import type { Config } from './config.ts'
import { problemAt } from './problems.ts'
import type { YamlSource } from './yaml-source.ts'

export const concurrentlyKey = 'run_config_profile_models_concurrently_enable'

interface OwnLoads {
  readonly model: string
  readonly loads: readonly Load[]
}

/**
 * The gated loads of models that are measured at once, by model: their lists pair by position, and a model with a single load
 * is at it all the time. null where the lists are of different lengths.
 */
export function pairedLoads(models: readonly OwnLoads[]): ReadonlyMap<string, readonly Load[]> | null {
  const count = stepsOf(models)
  if (count === null) return null
  const steps = Array.from({ length: count }, (_, step) =>
    together(
      models.flatMap(({ model, loads }) => {
        const load = loads.length === 1 ? loads[0] : loads[step]
        return load === undefined ? [] : [{ model, load }]
      }),
    ),
  )
  return new Map(models.map(({ model }, index) => [model, steps.flatMap((step) => step[index] ?? [])]))
}

/** How many loads come one after the other; null where the models do not agree on it. */
function stepsOf(models: readonly OwnLoads[]): number | null {
  const lengths = new Set(models.map(({ loads }) => loads.length).filter((length) => length > 1))
  if (lengths.size > 1) return null
  return [...lengths][0] ?? 1
}

/** What stands against measuring the configuration's models at once; nothing where that is not asked for. */
export function concurrentProblems(config: Config, source: YamlSource): Problem[] {
  if (!config.concurrently) return []
  const at = (path: readonly string[], message: string, remedy: string) =>
    problemAt(source, [...path], 'key', message, remedy)
  const off = `or take ${concurrentlyKey} out`
  const { models, gate, triton } = config
  const problems: Problem[] = []
  if (models === null) {
    const remedy = `List the models that are to be measured at once under profile_models, ${off}.`
    problems.push(at([concurrentlyKey], 'there are no profile_models', remedy))
  } else if (models.length < 2) {
    const what = `there is one model only, ${models.join()}: nothing is measured at once`
    const remedy = `Add models to profile_models (or --models), ${off}.`
    problems.push(at([concurrentlyKey], what, remedy))
  } else if (stepsOf(models.map((model) => ({ model, loads: config.settingsFor(model).loads }))) === null) {
    const counts = models.map((model) => `${model} ${config.settingsFor(model).loads.length}`).join(', ')
    const remedy =
      'Give every model as many loads, or a single one, at which it stays: they pair by position.'
    problems.push(at([concurrentlyKey], `the models have different numbers of loads (${counts})`, remedy))
  }
  if (triton.mode === 'remote') {
    const remedy = `Start the server here (docker, local or embedded), ${off}.`
    problems.push(
      at(
        [concurrentlyKey],
        'a remote server’s models are not loaded and unloaded together from here',
        remedy,
      ),
    )
  }
  if (gate.engine === 'perf_analyzer') {
    const remedy = `Measure with the gate’s own load (gate.engine: builtin), ${off}.`
    const what = 'processes of perf_analyzer cannot begin and end their windows together'
    problems.push(at([concurrentlyKey], what, remedy))
  }
  const counted = (models ?? []).filter((model) => {
    const { requestCount, warmupRequestCount } = config.settingsFor(model).counts
    return requestCount !== null || warmupRequestCount !== null
  })
  if (counted.length > 0) {
    const what = `perf_analyzer_flags count the requests of ${counted.join(', ')}: models of different speed would not end together`
    problems.push(at([concurrentlyKey], what, `Take request-count and warmup-request-count out, ${off}.`))
  }
  return problems
}
