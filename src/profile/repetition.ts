import { batchSizeOf, type Load } from '../domain/load.ts'
import type { WarmUp } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import type { ModelStatistics } from '../proto/grpc_service_pb.js'
import type { Random } from '../stats/random.ts'
import { memoryOfTree } from '../system/process-tree.ts'
import { type StatisticsDelta, statisticsDelta } from '../triton/statistics.ts'
import { type BlockLimits, planBlocks, runBlocks } from './blocks.ts'
import { composingBetween, withQueuesOfSteps } from './composing.ts'
import { watchGpus } from './gpu-readings.ts'
import { watchMachine } from './machine.ts'
import { noGpu, type Sample } from './sample.ts'
import type { LiveModel } from './side.ts'
import { type WarmUpLimits, warmUp } from './warm-up.ts'

export interface RepetitionSettings extends BlockLimits, WarmUpLimits {
  /** Exactly so many requests on each side, in one window, instead of blocks by time. */
  readonly requestCount?: number | null
}

/**
 * One repetition of one load on a model on one or two live servers: warm-up on the connections that are measured, then
 * alternating blocks. Returns a sample for each side, in their order.
 */
export async function measureLoad(
  world: World,
  generator: LoadGenerator,
  models: readonly LiveModel[],
  load: Load,
  settings: RepetitionSettings,
  random: Random,
  gpu: GpuSampler | null,
): Promise<Sample[]> {
  const targets = await Promise.all(models.map((model) => model.target(load)))
  const warmed = await warmUp(world, generator, targets, load, settings, random)
  const plan =
    settings.requestCount == null
      ? planBlocks(
          warmed.map((side) => side.pace),
          withoutLongerWarmUp(
            settings,
            warmed.map((side) => side.warmUp),
          ),
        )
      : { count: 1, blockNs: 0, leadInNs: 0, requestCount: settings.requestCount }
  // A model that answers nothing is not asked for minutes: its deadlines have told all there is.
  const isSilent = warmed.some((side) => side.isSilent)

  const watch = watchMachine(models)
  const startNs = world.nowNs()
  const before = await Promise.all(models.map(statisticsOf))
  const readGpus = await watchGpus(world, models, gpu)
  const windows = isSilent
    ? warmed.map((side) => side.windows)
    : await runBlocks(generator, targets, load, plan, random, world.signal)
  const after = await Promise.all(models.map(statisticsOf))

  const machine = watch(world.nowNs() - startNs)
  const gpus = await readGpus()
  return models.map((model, index) => {
    const { server, composing } = countedBetween(model, before[index] ?? [], after[index] ?? [])
    return {
      startNs,
      warmUp: warmed[index]?.warmUp,
      windows: windows[index] ?? [],
      server,
      composing,
      ...(gpus.sides[index] ?? noGpu),
      serverMemoryBytes: memoryOfTree(model.live.server.pids()),
      ...machine(index, server, batchSizeOf(load)),
      disturbances: [...gpus.disturbances, ...otherClients(server, isSilent ? [] : (windows[index] ?? []))],
    }
  })
}

/** What a server counted of a model, and of those that it needs, between two readings of `statisticsOf`. */
export function countedBetween(
  model: LiveModel,
  first: readonly ModelStatistics[],
  last: readonly ModelStatistics[],
): Pick<Sample, 'server' | 'composing'> {
  const own = statisticsDelta(first, last, model.name)
  if (model.composing.length === 0) return { server: own }
  const composing = composingBetween(first, last, own, model.composing)
  return { server: withQueuesOfSteps(own, composing, model.isEnsemble), composing }
}

/** One call in any case: of all models where there are composing ones. */
export function statisticsOf({ live, name, composing }: LiveModel): Promise<ModelStatistics[]> {
  return live.client.statistics(composing.length === 0 ? name : undefined)
}

/** What the warm-up took beyond its least is missing from what slow requests may take; the asked time is not touched. */
function withoutLongerWarmUp(settings: RepetitionSettings, warmUps: readonly WarmUp[]): BlockLimits {
  const longerNs = Math.max(...warmUps.map(({ durationNs }) => durationNs - settings.warmupNs))
  const maxMeasurementNs = settings.maxMeasurementNs - Math.max(0, longerNs)
  return { ...settings, maxMeasurementNs: Math.max(settings.measurementNs, maxMeasurementNs) }
}

/** Requests that the server counted and that were not sent from here: its numbers are not ours alone. */
export function otherClients(server: StatisticsDelta, windows: readonly Window[]): string[] {
  if (server.status === 'unavailable' || windows.length === 0) return []
  const counted = server.times.requestCount + server.times.failCount
  const sent = windows.reduce((sum, window) => sum + window.issued, 0)
  // A health check now and then disturbs nobody.
  if (counted <= sent * 1.01 + 2) return []
  return [`other_clients: the server counted ${counted} requests, ${sent} were sent from here`]
}
