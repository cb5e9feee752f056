import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import type { SearchSummary } from '../domain/scenario.ts'
import { countInWords } from '../domain/words.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { mergeLatencies } from '../load/window.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { type Members, mostCombinations } from '../search/members.ts'
import { fitsMemory } from '../search/memory.ts'
import { makeSpace, type Space, sizeOf, withMembers } from '../search/space.ts'
import { quantile } from '../stats/quantile.ts'
import { makeBench } from './bench.ts'
import { measureWith } from './engine.ts'
import { membersOf, traitsOf } from './members.ts'
import { interruptIfAsked, type ProfileContext } from './profile.ts'
import type { RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import { type LiveModel, serverDeath } from './side.ts'
import {
  type FinishedSweep,
  type MeasuredStep,
  type MeasureStep,
  runSweep,
  type SweepState,
} from './sweep-loop.ts'

export interface Sweep extends SweepState {
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

/**
 * Sweeps one model's configurations and loads on one server, as the search proposes them, within the plan's
 * time; or goes on with a sweep that was stopped. `save` gets all there is after each measurement.
 *
 * @param timeNs for the whole sweep, what was spent before it was stopped included
 */
export async function sweepModel(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
  timeNs: number,
  from: SweepState,
  save: (state: SweepState) => void,
): Promise<Sweep> {
  const { world } = context
  const settings = context.config.settingsFor(model.name)
  const { gpuMemoryTotalBytes } = context
  const space: Space = {
    ...spaceOf(context, repository, model, committed),
    ...(gpuMemoryTotalBytes === null ? {} : { gpuMemoryBytes: gpuMemoryTotalBytes }),
  }
  const bench = makeBench(context, repository, model)
  const measureStep = async (step: MeasureStep, index: number): Promise<MeasuredStep> => {
    interruptIfAsked(world)
    const { configuration, load } = step
    world.progress(
      `${model.name}: sweep ${index + 1}: ${configurationKey(configuration)}, ${loadLabel(load)} (${step.why})`,
    )
    const { model: loaded, loadNs } = await bench.load(configuration)
    if (typeof loaded === 'string') {
      const scenario = failedScenario('sweep', configuration, load, loaded)
      return { point: { configuration, load, metrics: null }, scenario, loadNs, measureNs: 0 }
    }
    const startNs = world.nowNs()
    const measured = await measure(context, loaded, load, step.purpose === 'explore' ? explore : confirm)
    return { ...judge(context, configuration, load, measured), loadNs, measureNs: world.nowNs() - startNs }
  }
  try {
    const rig = { nowNs: world.nowNs, measure: measureStep }
    const finished = await runSweep(rig, settings, space, timeNs, from, save)
    return { ...finished, summary: summarize(settings, space, finished) }
  } finally {
    await bench.close()
  }
}

function spaceOf(
  { config, launcher }: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
): Space {
  const { search } = config.settingsFor(model.name)
  // Reloading models under a server that others use is not ours to do.
  const loadsAllowed = launcher.mode !== 'remote' && model.config !== null
  const own = makeSpace(search, committed, { ...traitsOf(model.config, committed), loadsAllowed })
  if (!loadsAllowed || search.mode === 'off') return own
  return withMembers(
    own,
    membersOf(config, search.mode, repository, model, committed, own.loads),
    search.mode,
  )
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

const servingWords = {
  online: 'mode online: requests of one inference, where nothing else is listed',
  offline: 'mode offline: requests are batches, where nothing else is listed',
} as const

function summarize(
  settings: ModelSettings,
  space: Space,
  { progress: { points, spentNs }, scenarios, done }: FinishedSweep,
): SearchSummary {
  const repetitions = scenarios.flatMap((scenario) => scenario.repetitions)
  const tried = new Set(points.map((point) => configurationKey(point.configuration))).size
  const fits = fitsMemory(points, space)
  const tooLarge = space.configurations.filter((configuration) => !fits(configuration)).length
  const { members } = space
  const bisected = points.filter(({ purpose }) => purpose === 'capacity').length
  return {
    mode: settings.search.mode,
    measurements: points.length - bisected,
    stopped: done.reason,
    wallNs: spentNs,
    underLoadNs: repetitions.reduce(
      (sum, { durationNs, warmUp }) => sum + durationNs + (warmUp?.durationNs ?? 0),
      0,
    ),
    notes: [
      `${tried} of ${sizeOf(space)} configurations were tried`,
      ...(members === undefined ? [] : [`varied together: ${namesOf(members).join(', ')}`]),
      ...(members === undefined || space.configurations.length < mostCombinations
        ? []
        : [`only the first ${mostCombinations} combinations are looked at in order`]),
      ...(tooLarge === 0
        ? []
        : [
            `${countInWords(tooLarge, 'configuration')} not tried, since predicted to need more GPU memory than there is`,
          ]),
      ...(bisected === 0 ? [] : [`${countInWords(bisected, 'more measurement')} bisected for the capacity`]),
      ...(settings.search.serving === null ? [] : [servingWords[settings.search.serving]]),
    ],
    answer: done.answer,
  }
}

/** The models that have more than one configuration to be tried. */
function namesOf({ varied }: Members): string[] {
  return varied.filter(({ variants }) => variants.length > 1).map(({ name }) => name)
}
