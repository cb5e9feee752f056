import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { asGateError } from '../domain/error.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import type { Scenario, SearchSummary } from '../domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { mergeLatencies } from '../load/window.ts'
import { applyConfiguration } from '../model-config/configuration.ts'
import { modelConfigToJson } from '../model-config/parse.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { nextStep } from '../search/search.ts'
import { makeSpace, type Space } from '../search/space.ts'
import type { SearchPoint, Step } from '../search/state.ts'
import { quantile } from '../stats/quantile.ts'
import { interruptIfAsked, type ProfileContext } from './profile.ts'
import { measureLoad, type RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import { closeModel, type LiveModel, type LiveServer, openModel, openServer } from './side.ts'

export interface Sweep {
  readonly scenarios: readonly Scenario[]
  readonly summary: SearchSummary
}

/** Short enough that twenty fit a pull request; the two that matter are measured again for longer. */
const explore: RepetitionSettings = {
  warmupNs: 200 * nsPerMs,
  measurementNs: 600 * nsPerMs,
  maxMeasurementNs: 2 * nsPerSecond,
  blockNs: 600 * nsPerMs,
}
const confirm: RepetitionSettings = {
  ...explore,
  measurementNs: 1500 * nsPerMs,
  maxMeasurementNs: 4 * nsPerSecond,
}

/** What a step costs before any has been seen: a reload with the python backend takes about 2 s, a short measurement 1 s. */
const firstGuess = { load: 2 * nsPerSecond, measure: nsPerSecond }

/** One live server, and on it whatever configuration was loaded last. */
interface Bench {
  live: LiveServer | null
  model: LiveModel | null
}

/** Sweeps one model's configurations and loads on one server, as the search proposes them, within the plan's time. */
export async function sweepModel(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
  timeNs: number,
): Promise<Sweep> {
  const { world } = context
  const settings = context.config.settingsFor(model.name)
  const space = makeSpace(settings.search, committed, traitsOf(context, model, committed))
  const startNs = world.nowNs()
  const points: SearchPoint[] = []
  const scenarios: Scenario[] = []
  const bench: Bench = { live: null, model: null }
  const spent = { loadNs: 0, loads: 0, measureNs: 0 }
  try {
    for (;;) {
      interruptIfAsked(world)
      const step = nextStep(settings.search.mode, {
        space,
        objectives: settings.objectives,
        constraints: settings.constraints,
        points,
        budget: {
          maxMeasurements: settings.search.maxMeasurements,
          timeLeftNs: startNs + timeNs - world.nowNs(),
          costNs: {
            load: spent.loads === 0 ? firstGuess.load : spent.loadNs / spent.loads,
            measure: points.length === 0 ? firstGuess.measure : spent.measureNs / points.length,
          },
        },
      })
      if (step.kind === 'done') {
        const wallNs = world.nowNs() - startNs
        return { scenarios, summary: summarize(settings, space, points, scenarios, step, wallNs) }
      }
      const { configuration, load } = step
      world.progress(
        `${model.name}: sweep ${points.length + 1}: ${configurationKey(configuration)}, ${loadLabel(load)} (${step.why})`,
      )
      const loadStartNs = world.nowNs()
      const failure = await prepare(context, bench, repository, model, configuration, settings)
      const measureStartNs = world.nowNs()
      if (bench.model !== null && measureStartNs > loadStartNs) {
        spent.loadNs += measureStartNs - loadStartNs
        spent.loads++
      }
      if (failure !== null || bench.model === null) {
        points.push({ configuration, load, metrics: null })
        scenarios.push(failedScenario('sweep', configuration, load, failure ?? 'not loaded'))
        continue
      }
      const durations = step.purpose === 'confirm' ? confirm : explore
      const [sample] = await measureLoad(
        world,
        context.generator,
        [bench.model],
        load,
        durations,
        context.random,
        context.gpu,
      )
      spent.measureNs += world.nowNs() - measureStartNs
      const { point, scenario } = judge(context, configuration, load, sample)
      points.push(point)
      scenarios.push(scenario)
    }
  } finally {
    await bench.model?.detach()
    await bench.live?.close()
  }
}

function traitsOf(context: ProfileContext, model: RepositoryModel, committed: Configuration) {
  const scheduling = model.config?.schedulingChoice.case
  return {
    batching:
      committed.maxBatchSize > 0 && scheduling !== 'sequenceBatching' && scheduling !== 'ensembleScheduling',
    instances: committed.instanceCount !== null,
    // Reloading models under a server that others use is not ours to do.
    loadsAllowed: context.launcher.mode !== 'remote' && model.config !== null,
  }
}

/** Brings the configuration onto the bench; says why where that cannot be done. */
async function prepare(
  context: ProfileContext,
  bench: Bench,
  repository: ModelRepository,
  model: RepositoryModel,
  configuration: Configuration,
  settings: ModelSettings,
): Promise<string | null> {
  if (bench.model !== null && configurationKey(bench.model.configuration) === configurationKey(configuration))
    return null
  try {
    if (bench.model !== null) await closeModel(context, bench.model)
    bench.model = null
    bench.live ??= await openServer(context, 'candidate', repository.path)
    const override =
      configuration.committed || model.config === null
        ? undefined
        : { json: modelConfigToJson(applyConfiguration(model.config, configuration)), configuration }
    bench.model = await openModel(context, bench.live, model, settings.input, override)
    return null
  } catch (error) {
    interruptIfAsked(context.world)
    // A server that died of one configuration is replaced for the next.
    if (bench.live?.server.hasExited() === true) {
      await bench.live.close()
      bench.live = null
    }
    return asGateError(error).message
  }
}

/** A measurement as a point for the search and as a scenario for the file. */
function judge(
  context: ProfileContext,
  configuration: Configuration,
  load: Load,
  sample: Sample | undefined,
) {
  if (sample === undefined || sample.windows.length === 0) {
    const scenario = failedScenario('sweep', configuration, load, `${loadLabel(load)}: not measured`)
    return { point: { configuration, load, metrics: null }, scenario }
  }
  const repetition = toRepetition(sample, load, 0, null, context.config.gate.maxFailureRatio)
  const scenario = toScenario({
    role: 'sweep',
    configuration,
    load,
    samples: [sample],
    repetitions: [repetition],
  })
  if (scenario.status === 'failed') return { point: { configuration, load, metrics: null }, scenario }
  const latencies = mergeLatencies(sample.windows)
  // To prune, a percentile from few requests is good enough; what is reported stays null below 299.
  const metrics = {
    ...repetition.metrics,
    latencyP99Ns: repetition.metrics.latencyP99Ns ?? quantile(latencies, 0.99),
  }
  return { point: { configuration, load, metrics }, scenario }
}

function summarize(
  settings: ModelSettings,
  space: Space,
  points: readonly SearchPoint[],
  scenarios: readonly Scenario[],
  done: Extract<Step, { kind: 'done' }>,
  wallNs: number,
): SearchSummary {
  const repetitions = scenarios.flatMap((scenario) => scenario.repetitions)
  const tried = new Set(points.map((point) => configurationKey(point.configuration))).size
  return {
    mode: settings.search.mode,
    measurements: points.length,
    stopped: done.reason,
    wallNs,
    underLoadNs: repetitions.reduce((sum, repetition) => sum + repetition.durationNs, 0),
    notes: [`${tried} of ${space.configurations.length} configurations were tried`],
    answer: done.answer,
  }
}
