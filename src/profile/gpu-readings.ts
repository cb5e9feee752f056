import type { World } from '../domain/world.ts'
import { nsPerSecond } from '../domain/world.ts'
import { type DeviceMemory, idleShare } from '../gpu/readings.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import { readGpuMemory, type TritonGpuMemory } from '../triton/gpu-metrics.ts'
import type { GpuSample } from './sample.ts'
import type { LiveModel } from './side.ts'

/** Of the GPUs while load ran: what goes into each side's sample, and what disturbed both. */
interface GpuReadings {
  readonly sides: readonly GpuSample[]
  readonly disturbances: readonly string[]
}

/**
 * Begins to read the GPUs; the function it gives ends that. nvidia-smi is the first source, Triton's own metrics the
 * second: compared with it, and alone where there is no nvidia-smi, as for a remote server.
 */
export async function watchGpus(
  world: Pick<World, 'nowNs' | 'sleep'>,
  models: readonly LiveModel[],
  gpu: GpuSampler | null,
): Promise<() => Promise<GpuReadings>> {
  const ask = (model: LiveModel) => readGpuMemory(model.live.server.metricsUrl)
  const before = await Promise.all(models.map(ask))
  gpu?.reset()
  const deadlineNs = world.nowNs() + patienceNs
  return async () => {
    const sides = models.map((model) => gpuOf(gpu, model, models.length === 1))
    const disturbances = gpu?.disturbances(models.flatMap(({ live }) => live.server.pids())) ?? []
    const seconds = await Promise.all(
      models.map((model) =>
        agreedReading(world, deadlineNs, () => ask(model), gpu?.lastMemory ?? (() => new Map())),
      ),
    )
    return {
      disturbances,
      sides: sides.map((side, index) => {
        const { reading, doubts } = seconds[index] ?? { reading: nothing, doubts: [] }
        const triton = peakOf(before[index] ?? nothing, reading)
        return {
          ...side,
          ...(gpu === null ? deviceByTriton(triton, reading, models[index]) : {}),
          gpuDeviceMemoryTritonBytes: triton,
          gpuDoubts: doubts,
        }
      }),
    }
  }
}

const nothing: TritonGpuMemory = { status: 'unavailable', reason: 'not read' }

/** By nvidia-smi: the side's own process tree where it is shown, else the devices (see gpuGrowth). */
function gpuOf(gpu: GpuSampler | null, model: LiveModel, alone: boolean): GpuSample {
  if (gpu === null) return { gpuMemory: null, gpuUtilizationRatio: null, gpuPowerWatts: null }
  const read = gpu.memoryOf(model.live.server.pids(), alone)
  const memory = read.bytes === null ? (model.gpuGrowth ?? read) : read
  return {
    gpuMemory: memory,
    gpuDeviceMemory: { bytes: gpu.deviceMemory(memory.bytes, alone), source: null },
    gpuIdleServerMemoryBytes: model.gpuIdle === undefined ? null : idleShare(memory, model.gpuIdle),
    // Utilisation and power belong to the device: with two servers alive they say nothing of one of them.
    gpuUtilizationRatio: alone ? gpu.utilizationRatio() : null,
    gpuPowerWatts: alone ? gpu.powerWatts() : null,
  }
}

/** The higher of two readings, each summed over the GPUs. */
function peakOf(...readings: readonly TritonGpuMemory[]): number | null {
  const sums = readings.flatMap((reading) =>
    reading.status === 'available'
      ? [[...reading.usedBytes.values()].reduce((sum, bytes) => sum + bytes, 0)]
      : [],
  )
  return sums.length === 0 ? null : Math.max(...sums)
}

/** The only source there is. A server of ours on a machine without GPU has none, and needs no reason. */
function deviceByTriton(
  bytes: number | null,
  reading: TritonGpuMemory,
  model: LiveModel | undefined,
): Pick<GpuSample, 'gpuDeviceMemory'> {
  if (bytes !== null) return { gpuDeviceMemory: { bytes, source: tritonSource } }
  const remote = model?.live.server.mode === 'remote'
  return remote && reading.status === 'unavailable'
    ? { gpuDeviceMemory: { bytes, source: reading.reason } }
    : {}
}

const tritonSource =
  "GPU memory by Triton's own metrics: the whole of the server's GPUs, all processes on them, before and after the load"

/**
 * The driver keeps memory of its own, up to 3 % of a small board, which one library counts as used and another does not.
 * What differs by more is another GPU, a reading that stands still, or one of both is wrong.
 */
const maxDifferenceRatio = 0.05

/** Triton reads its GPUs every 2 s (`--metrics-interval-ms`), and may take another second, from the end of the warm-up. */
const patienceNs = 3 * nsPerSecond
const pauseNs = nsPerSecond / 2

/** Triton's reading, asked for again while it may still be one from before the model was loaded. */
async function agreedReading(
  world: Pick<World, 'nowNs' | 'sleep'>,
  deadlineNs: number,
  ask: () => Promise<TritonGpuMemory>,
  nvidiaSmi: () => ReadonlyMap<string, DeviceMemory>,
): Promise<{ readonly reading: TritonGpuMemory; readonly doubts: readonly string[] }> {
  for (;;) {
    const reading = await ask()
    const doubts = reading.status === 'available' ? differences(reading.usedBytes, nvidiaSmi()) : []
    if (doubts.length === 0 || world.nowNs() >= deadlineNs) return { reading, doubts }
    await world.sleep(pauseNs)
  }
}

/** Each GPU that Triton and nvidia-smi see differently, in words. One that only one of them shows is not compared. */
export function differences(
  triton: ReadonlyMap<string, number>,
  nvidiaSmi: ReadonlyMap<string, DeviceMemory>,
): string[] {
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
  return [...triton].flatMap(([uuid, bytes]) => {
    const shown = nvidiaSmi.get(uuid)
    if (shown === undefined || Math.abs(bytes - shown.usedBytes) <= maxDifferenceRatio * shown.totalBytes)
      return []
    return [
      `${uuid} holds ${mebibytes(shown.usedBytes)} MiB by nvidia-smi and ${mebibytes(bytes)} MiB by Triton's own metrics`,
    ]
  })
}
