import type { Load } from '../domain/load.ts'
import type { World } from '../domain/world.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { LoadGenerator, Window } from '../load/generator.ts'
import type { Random } from '../stats/random.ts'
import { memoryOfTree } from '../system/process-tree.ts'
import { statisticsDelta } from '../triton/statistics.ts'
import { type BlockLimits, planBlocks, runBlocks } from './blocks.ts'
import type { Sample } from './sample.ts'
import type { LiveModel } from './side.ts'

export interface RepetitionSettings extends BlockLimits {
  readonly warmupNs: number
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
  const warmups: Window[] = []
  for (const target of targets) {
    warmups.push(await generator.run(target, load, { leadInNs: 0, durationNs: settings.warmupNs }))
  }
  const plan = planBlocks(warmups, settings)

  const startNs = world.nowNs()
  const before = await Promise.all(models.map((model) => model.live.client.statistics(model.name)))
  gpu?.reset()
  const windows = await runBlocks(generator, targets, load, plan, random, world.signal)
  const after = await Promise.all(models.map((model) => model.live.client.statistics(model.name)))

  return models.map((model, index) => ({
    startNs,
    windows: windows[index] ?? [],
    server: statisticsDelta(before[index] ?? [], after[index] ?? [], model.name),
    ...gpuOf(gpu, model, models.length === 1),
    serverMemoryBytes: memoryOfTree(model.live.server.pids()),
    disturbances: gpu?.disturbances(models.flatMap((each) => each.live.server.pids())) ?? [],
  }))
}

/** GPU readings of a side: its own process tree where nvidia-smi shows it, else the devices (see gpuGrowth). */
function gpuOf(
  gpu: GpuSampler | null,
  model: LiveModel,
  alone: boolean,
): Pick<Sample, 'gpuMemory' | 'gpuUtilizationRatio' | 'gpuPowerWatts'> {
  if (gpu === null) return { gpuMemory: null, gpuUtilizationRatio: null, gpuPowerWatts: null }
  const memory = gpu.memoryOf(model.live.server.pids(), alone)
  return {
    gpuMemory: memory.bytes === null ? (model.gpuGrowth ?? memory) : memory,
    // Utilisation and power belong to the device: with two servers alive they say nothing of one of them.
    gpuUtilizationRatio: alone ? gpu.utilizationRatio() : null,
    gpuPowerWatts: alone ? gpu.powerWatts() : null,
  }
}
