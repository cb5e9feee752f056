import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import type { Scenario, SearchSummary } from '../domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { mergeLatencies } from '../load/window.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { nextStep } from '../search/search.ts'
import { makeSpace, type Space } from '../search/space.ts'
import type { SearchPoint, Step } from '../search/state.ts'
import { quantile } from '../stats/quantile.ts'
import { makeBench } from './bench.ts'
import { measureWith } from './engine.ts'
import { interruptIfAsked, type ProfileContext } from './profile.ts'
import type { RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import { type LiveModel, serverDeath } from './side.ts'

export interface Sweep {
  readonly scenarios: readonly Scenario[]
  readonly summary: SearchSummary
}

/** Short enough that twenty fit a pull request; the two that matter are measured again for longer. */
const explore: RepetitionSettings = {
  warmupNs: 200 * nsPerMs,
  // Exploring is not worth waiting for.
  maxWarmupNs: 200 * nsPerMs,
  measurementNs: 600 * nsPerMs,
  maxMeasurementNs: 2 * nsPerSecond,
  blockNs: 600 * nsPerMs,
}
const confirm: RepetitionSettings = {
  ...explore,
  measurementNs: 1500 * nsPerMs,
  maxMeasurementNs: 4 * nsPerSecond,
}

/** What a step costs before any has been seen: a reload with the python backend takes 2 s, a short measurement 1 s. */
const firstGuess = { load: 2 * nsPerSecond, measure: nsPerSecond }

/**
 * Sweeps one model's configurations and loads on one server, as the search proposes them, within the plan's
 * time. `save` gets all scenarios there are after each.
 */
export async function sweepModel(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
  timeNs: number,
  save: (scenarios: readonly Scenario[]) => void,
): Promise<Sweep> {
  const { world } = context
  const settings = context.config.settingsFor(model.name)
  const space = makeSpace(settings.search, committed, traitsOf(context, model, committed))
  const startNs = world.nowNs()
  const points: SearchPoint[] = []
  const scenarios: Scenario[] = []
  const keep = (point: SearchPoint, scenario: Scenario) => {
    points.push(point)
    scenarios.push(scenario)
    save(scenarios)
  }
  const bench = makeBench(context, repository, model)
  let measureNs = 0
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
            load: bench.averageLoadNs() ?? firstGuess.load,
            measure: points.length === 0 ? firstGuess.measure : measureNs / points.length,
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
      const loaded = await bench.load(configuration)
      if (typeof loaded === 'string') {
        keep({ configuration, load, metrics: null }, failedScenario('sweep', configuration, load, loaded))
        continue
      }
      const measureStartNs = world.nowNs()
      const durations = step.purpose === 'confirm' ? confirm : explore
      const measured = await measure(context, loaded, load, durations)
      measureNs += world.nowNs() - measureStartNs
      const { point, scenario } = judge(context, configuration, load, measured)
      keep(point, scenario)
    }
  } finally {
    await bench.close()
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

/** What was measured, or why nothing could be: a configuration that ends the server loses, and the sweep goes on. */
async function measure(
  context: ProfileContext,
  model: LiveModel,
  load: Load,
  settings: RepetitionSettings,
): Promise<Sample | string> {
  const { world, engine, random, gpu } = context
  try {
    const [sample] = await measureWith(world, engine, [model], load, settings, random, gpu)
    return sample === undefined || sample.windows.length === 0 ? 'not measured' : sample
  } catch (error) {
    interruptIfAsked(world)
    const death = await serverDeath(world, [model.live])
    if (death === null) throw error
    return death.message
  }
}

/** A measurement as a point for the search and as a scenario for the file. */
function judge(context: ProfileContext, configuration: Configuration, load: Load, sample: Sample | string) {
  if (typeof sample === 'string') {
    const scenario = failedScenario('sweep', configuration, load, `${loadLabel(load)}: ${sample}`)
    return { point: { configuration, load, metrics: null }, scenario }
  }
  const repetition = toRepetition(sample, load, 0, null, context.config.gate.maxFailureRatio)
  const scenario = toScenario({
    role: 'sweep',
    configuration,
    load,
    measured: [{ sample, repetition }],
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
