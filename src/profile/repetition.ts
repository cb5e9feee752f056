import { batchSizeOf, type Load } from '../domain/load.ts'
import type { WarmUp } from '../domain/scenario.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { Window } from '../load/generator.ts'
import type { ModelStatistics } from '../proto/grpc_service_pb.js'
import { memoryOfTree } from '../system/process-tree.ts'
import { statisticsDelta } from '../triton/statistics.ts'
import { type Ask, apart, type LoadContext, withSharedHealth } from './asks.ts'
import { type BlockLimits, planBlocks, runBlocks } from './blocks.ts'
import { composingBetween, withQueuesOfSteps } from './composing.ts'
import { watchGpus } from './gpu-readings.ts'
import { watchMachine } from './machine.ts'
import { type GpuSample, noGpu, type Sample } from './sample.ts'
import { otherClients } from './server-counts.ts'
import type { LiveModel } from './side.ts'
import { type WarmUpLimits, warmUp } from './warm-up.ts'

export interface RepetitionSettings extends BlockLimits, WarmUpLimits {
  /** Exactly so many requests on each side, in one window, instead of blocks by time. */
  readonly requestCount?: number | null
}

/** A model on a live server, and what it is asked for. Those of one side are on one server, and under load at once. */
export interface Loaded {
  readonly model: LiveModel
  readonly load: Load
}

/**
 * One repetition on one or more live servers: warm-up on the connections that are measured, then alternating blocks.
 * Returns a sample for each model of each side, in their order.
 *
 * @param sides with the same models at the same loads
 */
export async function measureTogether(
  context: LoadContext & { readonly gpu: GpuSampler | null },
  sides: readonly (readonly Loaded[])[],
  settings: RepetitionSettings,
): Promise<Sample[][]> {
  const { world, gpu } = context
  const asked = await Promise.all(sides.map(asksOf))
  const warmUpStartNs = world.nowNs()
  const warmed = await warmUp(context, asked, settings)
  const warmUpNs = world.nowNs() - warmUpStartNs
  const all = warmed.flat()
  const plan =
    settings.requestCount == null
      ? planBlocks(
          all.map(({ pace }) => pace),
          withoutLongerWarmUp(
            settings,
            all.map((each) => each.warmUp),
          ),
        )
      : { count: 1, blockNs: 0, leadInNs: 0, requestCount: settings.requestCount }
  // A model that answers nothing is not asked for minutes: its deadlines have told all there is.
  const isSilent = all.some((each) => each.isSilent)

  const models = sides.map((side) => side.map(({ model }) => model))
  // One of each side: the machine and its GPUs are the whole server's.
  const servers = models.flatMap(([first]) => first ?? [])
  const watch = watchMachine(servers)
  const startNs = world.nowNs()
  const statistics = () => Promise.all(models.map((side) => Promise.all(side.map(statisticsOf))))
  const before = await statistics()
  const readGpus = await watchGpus(world, servers, gpu)
  const blocksStartNs = world.nowNs()
  const rounds = isSilent ? null : await runBlocks(context, asked, plan)
  const underLoadNs = warmUpNs + world.nowNs() - blocksStartNs
  const after = await statistics()

  const machine = watch(world.nowNs() - startNs)
  const gpus = await readGpus()
  return sides.map((side, sideIndex) => {
    const blocks = blocksOf(asked[sideIndex] ?? [], rounds?.[sideIndex] ?? [])
    return side.map(({ model, load }, index) => {
      const { server, composing } = countedBetween(
        model,
        before[sideIndex]?.[index] ?? [],
        after[sideIndex]?.[index] ?? [],
      )
      const warming = warmed[sideIndex]?.[index]
      const windows = rounds === null ? (warming?.windows ?? []) : (blocks.windows[index] ?? [])
      const others = side.filter((_, other) => other !== index)
      return {
        startNs,
        warmUp: warming?.warmUp,
        underLoadNs,
        windows,
        server,
        composing,
        ...ofWholeServer(gpus.sides[sideIndex] ?? noGpu, others.length),
        serverMemoryBytes: memoryOfTree(model.live.server.pids()),
        ...machine(sideIndex, server, batchSizeOf(load)),
        // The processes work for all of the side's models.
        ...(others.length === 0 ? {} : { serverCpuNsPerInference: null }),
        disturbances: [
          ...gpus.disturbances,
          ...otherClients(server, isSilent ? [] : windows),
          ...blocks.disturbances,
        ],
      }
    })
  })
}

async function asksOf(side: readonly Loaded[]): Promise<Ask[]> {
  return Promise.all(
    side.map(async ({ model, load }) => ({ model: model.name, target: await model.target(load), load })),
  )
}

/** A side's rounds by model, and where they were not under load at once. */
function blocksOf(
  asks: readonly Ask[],
  rounds: readonly (readonly Window[])[],
): { readonly windows: readonly (readonly Window[])[]; readonly disturbances: readonly string[] } {
  if (asks.length < 2) return { windows: [rounds.flat()], disturbances: [] }
  const shared = rounds.map((windows) => withSharedHealth(asks, windows))
  const disturbance = rounds.map((windows) => apart(asks, windows)).find((clause) => clause !== null)
  return {
    windows: asks.map((_, index) => shared.flatMap((windows) => windows[index] ?? [])),
    disturbances: disturbance == null ? [] : [disturbance],
  }
}

/** What the server holds of the GPUs is not to be told apart by model: there is no share of one. */
function ofWholeServer(sample: GpuSample, others: number): GpuSample {
  const { gpuMemory } = sample
  if (others === 0 || gpuMemory === null) return sample
  const source = `${gpuMemory.source}; of the server with all ${others + 1} models`
  return { ...sample, gpuMemory: { ...gpuMemory, source }, gpuIdleServerMemoryBytes: null }
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
