import { nsPerSecond, type World } from '../domain/world.ts'
import {
  type Gpu,
  gpuQuery,
  parseGpu,
  parseProcess,
  processQuery,
  queryGpus,
  queryProcesses,
  type ThrottleReason,
} from './nvidia-smi.ts'

/** GPU readings while load runs. All values are since the last reset; null where nothing was read. */
export interface GpuSampler {
  readonly reset: () => void
  /**
   * Peak memory of these processes, summed over GPUs. Where nvidia-smi does not show them (in a container,
   * under MIG) and they are `alone`: what the devices hold beyond the idle reading at the sampler's start.
   */
  readonly memoryOf: (pids: readonly number[], alone: boolean) => number | null
  /** Average of the busiest GPU. */
  readonly utilizationRatio: () => number | null
  /** Average, summed over GPUs. */
  readonly powerWatts: () => number | null
  /** What disturbed the measurement: GPUs slowed down by heat or power supply, processes that came. */
  readonly disturbances: (ownPids: readonly number[]) => string[]
  readonly stop: () => void
}

/** The driver itself averages utilisation over about this time. */
const defaultIntervalMs = 200

/**
 * Reasons that come and go with the machine's surroundings. A power cap or idle clocks belong to the
 * load itself and meet both sides alike.
 */
const disturbing: readonly ThrottleReason[] = [
  'hw_slowdown',
  'sw_thermal_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
]

/** Reads the idle state, then has nvidia-smi print it again and again. To be called while no server of ours runs. */
export async function startGpuSampler(
  world: World,
  intervalMs: number = defaultIntervalMs,
): Promise<GpuSampler> {
  const idle = await queryGpus(world)
  const neighbours = new Set((await queryProcesses(world)).map(({ pid }) => pid))
  const readings = createReadings(idle.status === 'available' ? idle.gpus : [], neighbours)
  const loop = (query: readonly string[], onLine: (line: string) => void) =>
    world.launch('nvidia-smi', [...query, '-lms', `${intervalMs}`], { env: {}, onLine })
  const loops = [loop(gpuQuery, readings.addGpuLine), loop(processQuery, readings.addProcessLine)]
  return {
    ...readings.view,
    stop: () => {
      for (const each of loops) void each.stop(nsPerSecond)
    },
  }
}

interface DeviceReadings {
  memoryUsedBytes: number
  readonly utilization: number[]
  readonly watts: number[]
  readonly throttle: Set<ThrottleReason>
}

/** Collects the lines of both queries. Pure but for its own memory. */
export function createReadings(idle: readonly Gpu[], neighbours: ReadonlySet<number>) {
  const devices = new Map<string, DeviceReadings>()
  /** Peak bytes by pid and GPU; 0 where the process is shown without a number. */
  const processes = new Map<number, Map<string, number>>()

  function addGpuLine(line: string): void {
    const gpu = parseGpu(line)
    if (gpu === null) return
    const device = devices.get(gpu.uuid) ?? {
      memoryUsedBytes: 0,
      utilization: [],
      watts: [],
      throttle: new Set(),
    }
    device.memoryUsedBytes = Math.max(device.memoryUsedBytes, gpu.memoryUsedBytes ?? 0)
    if (gpu.utilizationRatio !== null) device.utilization.push(gpu.utilizationRatio)
    if (gpu.powerWatts !== null) device.watts.push(gpu.powerWatts)
    for (const reason of gpu.throttleReasons ?? []) device.throttle.add(reason)
    devices.set(gpu.uuid, device)
  }

  function addProcessLine(line: string): void {
    const process = parseProcess(line)
    if (process === null) return
    const memory = processes.get(process.pid) ?? new Map<string, number>()
    memory.set(process.gpuUuid, Math.max(memory.get(process.gpuUuid) ?? 0, process.memoryBytes ?? 0))
    processes.set(process.pid, memory)
  }

  function memoryOf(pids: readonly number[], alone: boolean): number | null {
    const shown = sum(pids.flatMap((pid) => [...(processes.get(pid)?.values() ?? [])]))
    if (shown > 0) return shown
    if (!alone || devices.size === 0) return null
    const beyondIdle = [...devices].map(([uuid, { memoryUsedBytes }]) => {
      const idleBytes = idle.find((gpu) => gpu.uuid === uuid)?.memoryUsedBytes ?? 0
      return Math.max(0, memoryUsedBytes - idleBytes)
    })
    return sum(beyondIdle)
  }

  function disturbances(ownPids: readonly number[]): string[] {
    const slowed = [...devices].flatMap(([uuid, { throttle }]) =>
      disturbing
        .filter((reason) => throttle.has(reason))
        .map((reason) => `gpu_throttled: ${uuid}: ${reason}`),
    )
    // Where none of our own is shown, pids are not those we know, and a stranger may be ourselves.
    const pidsAreOurs = ownPids.some((pid) => processes.has(pid))
    const strangers = [...processes.keys()].filter((pid) => !ownPids.includes(pid) && !neighbours.has(pid))
    return [
      ...slowed,
      ...(pidsAreOurs ? strangers.map((pid) => `gpu_shared: process ${pid} came to the GPU`) : []),
    ]
  }

  const perDevice = (values: (device: DeviceReadings) => readonly number[]) =>
    [...devices.values()].map(values).filter((list) => list.length > 0)
  const view = {
    reset: () => {
      devices.clear()
      processes.clear()
    },
    memoryOf,
    utilizationRatio: () => {
      const averages = perDevice((device) => device.utilization).map(mean)
      return averages.length === 0 ? null : Math.max(...averages)
    },
    powerWatts: () => {
      const averages = perDevice((device) => device.watts).map(mean)
      return averages.length === 0 ? null : sum(averages)
    },
    disturbances,
  } satisfies Omit<GpuSampler, 'stop'>
  return { addGpuLine, addProcessLine, view }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]) => sum(values) / values.length
