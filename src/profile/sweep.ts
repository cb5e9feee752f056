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
import { type Space, sizeOf, withMembers } from '../search/space.ts'
import type { Step } from '../search/state.ts'
import { quantile } from '../stats/quantile.ts'
import { type Bench, makeBench } from './bench.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { measureSides } from './engine.ts'
import { hasGpu } from './instance-kinds.ts'
import { membersOf, ownSpace } from './members.ts'
import { withNeighbours } from './neighbours.ts'
import type { Running } from './records.ts'
import type { Loaded, RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import { serverDeath } from './side.ts'
import { type FinishedSweep, runSweep, type SweepRig, type SweepState } from './sweep-loop.ts'

export interface Sweep extends SweepState {
  readonly summary: SearchSummary
  /** What was asked for and not tried, a clause each. */
  readonly untried: readonly string[]
}

/** Short enough that twenty fit a pull request; those that matter are measured again for longer. */
const explore: RepetitionSettings = {
  warmupNs: 200 * nsPerMs,
  // Exploring is not worth waiting for.
  maxWarmupNs: 200 * nsPerMs,
  measurementNs: 600 * nsPerMs,
  maxMeasurementNs: 2 * nsPerSecond,
  blockNs: 600 * nsPerMs,
}
/** Half as long again as it takes to explore a fast model: what is left open is how measurements differ, not how requests do. */
const confirm: RepetitionSettings = {
  ...explore,
  measurementNs: nsPerSecond,
  maxMeasurementNs: 4 * nsPerSecond,
}

/**
 * Sweeps one model's configurations and loads, as the search proposes them, within the plan's
 * time; or goes on with a sweep that was stopped. `save` gets all there is after each measurement.
 *
 * @param timeNs for the whole sweep, what was spent before it was stopped included
 * @param running the committed configuration on a server, to begin with; it is closed at the end. null = start one
 * @param servers how many may be alive beside each other
 */
export async function sweepModel(
  context: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
  timeNs: number,
  from: SweepState,
  save: (state: SweepState) => void,
  running: Running | null,
  servers: number,
): Promise<Sweep> {
  const { world } = context
  const bench = makeBench(context, repository, model, running)
  const settings = context.config.settingsFor(model.name)
  const { gpuMemoryTotalBytes } = context
  try {
    const untried: string[] = []
    const space: Space = {
      ...spaceOf(context, repository, model, committed, untried),
      ...(gpuMemoryTotalBytes === null ? {} : { gpuMemoryBytes: gpuMemoryTotalBytes }),
    }
    const rig = { nowNs: world.nowNs, servers, measure: measurer(context, bench, model.name) }
    const finished = await runSweep(rig, settings, space, timeNs, from, save)
    const doneNs = world.nowNs()
    if (finished.done.answer !== null) await bench.verify(finished.done.answer.configuration)
    const verifyNs = world.nowNs() - doneNs
    await bench.close()
    const stopNs = world.nowNs() - doneNs - verifyNs
    return { ...finished, summary: summarize(settings, space, finished, verifyNs, stopNs), untried }
  } finally {
    await bench.close()
  }
}

function spaceOf(
  { config, launcher, gpu }: ProfileContext,
  repository: ModelRepository,
  model: RepositoryModel,
  committed: Configuration,
  untried: string[],
): Space {
  const settings = config.settingsFor(model.name)
  const { mode } = settings.search
  // Reloading models under a server that others use is not ours to do.
  const loadsAllowed = launcher.mode !== 'remote' && model.config !== null
  const gpus = hasGpu({ launcher, gpu })
  const own = ownSpace(settings, repository, model, committed, loadsAllowed, gpus, untried)
  if (!loadsAllowed || mode === 'off') return own
  const members = membersOf(config, mode, repository, model, committed, own.loads, gpus, untried)
  return withMembers(own, members, mode)
}

/** Loads and measures what the search proposes. */
function measurer(context: ProfileContext, bench: Bench, name: string): SweepRig['measure'] {
  const { world } = context
  return async (step, index, replaced) => {
    interruptIfAsked(world)
    const { configuration, load } = step
    world.progress(
      `${name}: sweep ${index + 1}: ${configurationKey(configuration)}, ${loadLabel(load)} (${step.why})`,
    )
    const { model, ...took } = await bench.load(configuration, replaced)
    if (typeof model === 'string') {
      const scenario = failedScenario('sweep', configuration, load, model)
      return {
        point: { configuration, load, metrics: null },
        scenario,
        ...took,
        measureNs: 0,
        underLoadNs: 0,
      }
    }
    const startNs = world.nowNs()
    const samples = await measureAtOnce(context, [{ model, load }], step.purpose)
    const measured = typeof samples === 'string' ? samples : (samples[0] ?? 'not measured')
    const measureNs = world.nowNs() - startNs
    const { point, scenario } = judge(context, configuration, load, measured)
    if (point.metrics === null) bench.discard(configuration)
    return { point, scenario, ...took, measureNs, underLoadNs: underLoadOf(measured) }
  }
}

/** perf_analyzer tells of its windows, and nothing of the time around them. */
export function underLoadOf(sample: Sample | string): number {
  if (typeof sample === 'string') return 0
  const windowsNs = sample.windows.reduce((sum, { durationNs }) => sum + durationNs, 0)
  return sample.underLoadNs ?? windowsNs + (sample.warmUp?.durationNs ?? 0)
}

/**
 * What was measured of each of some models on one server, all under load at once; or why nothing could be: what ends the server
 * loses, and the sweep goes on.
 */
export async function measureAtOnce(
  context: ProfileContext,
  asked: readonly Loaded[],
  purpose: Extract<Step, { kind: 'measure' }>['purpose'],
): Promise<readonly Sample[] | string> {
  const { world, config } = context
  try {
    const [samples] = await measureSides(context, [asked], purpose === 'explore' ? explore : confirm)
    if (samples === undefined || samples.some(({ windows }) => windows.length === 0)) return 'not measured'
    return withNeighbours(asked, samples, config.gate.maxFailureRatio)
  } catch (error) {
    interruptIfAsked(world)
    const death = await serverDeath(world, [...new Set(asked.map(({ model }) => model.live))])
    if (death === null) throw error
    return death.message
  }
}

/** A measurement as a point for the search and as a scenario for the file. */
export function judge(
  context: ProfileContext,
  configuration: Configuration,
  load: Load,
  sample: Sample | string,
) {
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
  { progress, done }: FinishedSweep,
  verifyNs: number,
  stopNs: number,
): SearchSummary {
  const { points, spentNs, startingNs = 0, loadingNs, underLoadNs = 0 } = progress
  const tried = new Set(points.map((point) => configurationKey(point.configuration))).size
  const fits = fitsMemory(points, space)
  const tooLarge = space.configurations.filter((configuration) => !fits(configuration)).length
  const { members } = space
  const bisected = points.filter(({ purpose }) => purpose === 'capacity').length
  return {
    mode: settings.search.mode,
    measurements: points.length - bisected,
    stopped: done.reason,
    wallNs: spentNs + verifyNs + stopNs,
    underLoadNs,
    phases: {
      startNs: startingNs,
      loadNs: loadingNs + verifyNs,
      stopNs,
      otherNs: Math.max(0, spentNs - startingNs - loadingNs - underLoadNs),
    },
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
