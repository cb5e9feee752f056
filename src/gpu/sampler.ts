import { type LaunchedProcess, nsPerSecond, type World } from '../domain/world.ts'
import { mean } from '../stats/robust.ts'
import {
  type Gpu,
  type GpuSelection,
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
  readonly memoryOf: (pids: readonly number[], alone: boolean) => GpuMemory
  /**
   * Peak of what the GPUs held, all processes on them together. With two servers alive it is made up: what they held
   * idle, and this server's `ownBytes`.
   */
  readonly deviceMemory: (ownBytes: number | null, alone: boolean) => number | null
  /** Whether nvidia-smi shows now what each of these processes that use a GPU holds. */
  readonly showsMemoryOf: (pids: readonly number[]) => Promise<boolean>
  /** Begins to watch what the devices hold; the function it gives says what they have gained since. */
  readonly watchGrowth: () => Promise<() => Promise<GpuMemory>>
  /** Average of the busiest GPU. */
  readonly utilizationRatio: () => number | null
  /** Average, summed over GPUs. */
  readonly powerWatts: () => number | null
  /** What disturbed the measurement: GPUs slowed down by heat or power supply, or lost; processes that came. */
  readonly disturbances: (ownPids: readonly number[]) => string[]
  readonly stop: () => void
}

/** Bytes, and in words whose they are; null bytes with why there are none. */
export interface GpuMemory {
  readonly bytes: number | null
  readonly source: string
}

const memorySources = {
  processes: "GPU memory as nvidia-smi shows it for the server's own processes",
  devices:
    "GPU memory as the GPUs held it beyond idle: nvidia-smi does not show that of the server's processes",
  growth:
    "GPU memory as the GPUs gained it while the server started and warmed up: nvidia-smi does not show that of the server's processes",
  shared:
    "nvidia-smi does not show the GPU memory of the server's processes, and two servers shared what the GPUs held",
  unread: 'nvidia-smi gave no reading of GPU memory',
} as const

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

/**
 * Reads the idle state, then has nvidia-smi print it again and again; null where there is no GPU to be read. To be
 * called while no server of ours runs.
 */
export async function startGpuSampler(
  world: World,
  only: GpuSelection,
  intervalMs: number = defaultIntervalMs,
): Promise<GpuSampler | null> {
  const idle = await queryGpus(world, only)
  if (idle.status === 'unavailable') return null
  const neighbours = new Set((await queryProcesses(world, only)).map(({ pid }) => pid))
  const readings = createReadings(idle.gpus, neighbours)
  const loops = [
    keepReading(world, [...idle.query, '-lms', `${intervalMs}`], readings.addGpuLine, readings.addFailure),
    keepReading(
      world,
      [...processQuery(only), '-lms', `${intervalMs}`],
      readings.addProcessLine,
      readings.addFailure,
    ),
  ]
  const [gpuLoop] = loops
  const checkSilence = () => {
    const silentNs = gpuLoop?.silentNs() ?? 0
    if (silentNs <= maxSilenceNs) return
    readings.addFailure(`nvidia-smi said nothing for ${Math.round(silentNs / nsPerSecond)} s`)
    for (const loop of loops) loop.replace()
  }
  const held = async () => {
    const now = await queryGpus(world, only)
    return now.status === 'unavailable' ? null : total(now.gpus.map((gpu) => gpu.memoryUsedBytes))
  }
  return {
    ...readings.view,
    disturbances: (ownPids) => {
      checkSilence()
      return readings.view.disturbances(ownPids)
    },
    showsMemoryOf: async (pids) => {
      const own = (await queryProcesses(world, only)).filter(({ pid }) => pids.includes(pid))
      return own.length > 0 && own.every(({ memoryBytes }) => memoryBytes !== null)
    },
    watchGrowth: async () => {
      const before = await held()
      return async () => {
        const after = await held()
        if (before === null || after === null) return { bytes: null, source: memorySources.unread }
        return { bytes: Math.max(0, after - before), source: memorySources.growth }
      }
    },
    stop: () => {
      for (const loop of loops) loop.stop()
    },
  }
}

/** Many times the interval: a busy machine may hold a line back, a driver that hangs says nothing at all. */
const maxSilenceNs = 5 * nsPerSecond
/** A pause, so that a nvidia-smi that ends at once is not started thousands of times. */
const restartPauseNs = nsPerSecond

/**
 * Keeps one nvidia-smi printing: one that ends is a failure and is started again, one that hangs may be replaced. What
 * it says when it ends, and that it did, voids the repetition it happened in; the next one has a new reader.
 */
function keepReading(
  world: World,
  query: readonly string[],
  onLine: (line: string) => void,
  onFailure: (said: string) => void,
) {
  let stopped = false
  let lastNs = world.nowNs()
  const begin = () => {
    lastNs = world.nowNs()
    const reader = world.launch('nvidia-smi', query, {
      env: {},
      onLine: (line) => {
        if (reader !== current) return
        lastNs = world.nowNs()
        onLine(line)
      },
    })
    const isOver = () => stopped || reader !== current || world.signal.aborted
    void reader.exited.then(async (exitCode) => {
      if (isOver()) return
      onFailure(`nvidia-smi ended (${exitCode === null ? 'killed' : `exit code ${exitCode}`})`)
      await world.sleep(restartPauseNs)
      if (!isOver()) current = begin()
    })
    return reader
  }
  let current: LaunchedProcess = begin()
  return {
    silentNs: () => world.nowNs() - lastNs,
    replace: () => {
      void current.stop(nsPerSecond)
      current = begin()
    },
    stop: () => {
      stopped = true
      void current.stop(nsPerSecond)
    },
  }
}

interface DeviceReadings {
  /** The peak; null once a reading said that it is not known. */
  memoryUsedBytes: number | null
  readonly utilization: number[]
  readonly watts: number[]
  readonly throttle: Set<ThrottleReason>
}

/** Collects the lines of both queries. Pure but for its own memory. */
export function createReadings(idle: readonly Gpu[], neighbours: ReadonlySet<number>) {
  const devices = new Map<string, DeviceReadings>()
  /** Peak bytes by pid and GPU; null where the process is shown without a number. */
  const processes = new Map<number, Map<string, number | null>>()
  /** What came in place of a GPU's readings, such as `nvidia-smi said [GPU is lost]`. */
  const failures = new Set<string>()

  function addGpuLine(line: string): void {
    const gpu = parseGpu(line)
    if (gpu === null) {
      if (line.trim() !== '') failures.add(`nvidia-smi said ${line.split(', ')[0] ?? line}`)
      return
    }
    const device = devices.get(gpu.uuid) ?? {
      memoryUsedBytes: 0,
      utilization: [],
      watts: [],
      throttle: new Set(),
    }
    device.memoryUsedBytes = highest(device.memoryUsedBytes, gpu.memoryUsedBytes)
    if (gpu.utilizationRatio !== null) device.utilization.push(gpu.utilizationRatio)
    if (gpu.powerWatts !== null) device.watts.push(gpu.powerWatts)
    for (const reason of gpu.throttleReasons ?? []) device.throttle.add(reason)
    devices.set(gpu.uuid, device)
  }

  function addProcessLine(line: string): void {
    const process = parseProcess(line)
    if (process === null) return
    const memory = processes.get(process.pid) ?? new Map<string, number | null>()
    const before = memory.get(process.gpuUuid)
    memory.set(
      process.gpuUuid,
      before === undefined ? process.memoryBytes : highest(before, process.memoryBytes),
    )
    processes.set(process.pid, memory)
  }

  function memoryOf(pids: readonly number[], alone: boolean): GpuMemory {
    const shown = pids.flatMap((pid) => [...(processes.get(pid)?.values() ?? [])])
    // One process without a number, and the sum of the others says too little.
    const own = shown.length === 0 ? null : total(shown)
    if (own !== null) return { bytes: own, source: memorySources.processes }
    const beyondIdle = idle.map(({ uuid, memoryUsedBytes }) => {
      const peak = devices.get(uuid)?.memoryUsedBytes ?? null
      return peak === null || memoryUsedBytes === null ? null : Math.max(0, peak - memoryUsedBytes)
    })
    const held = total(beyondIdle)
    if (held === null) return { bytes: null, source: memorySources.unread }
    return alone
      ? { bytes: held, source: memorySources.devices }
      : { bytes: null, source: memorySources.shared }
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
      ...[...failures].map((said) => `gpu_unreadable: ${said}`),
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
      failures.clear()
    },
    memoryOf,
    deviceMemory: (ownBytes, alone) =>
      alone
        ? total(idle.map(({ uuid }) => devices.get(uuid)?.memoryUsedBytes ?? null))
        : total([ownBytes, ...idle.map(({ memoryUsedBytes }) => memoryUsedBytes)]),
    utilizationRatio: () => {
      const averages = perDevice((device) => device.utilization).map(mean)
      return averages.length === 0 ? null : Math.max(...averages)
    },
    powerWatts: () => {
      const averages = perDevice((device) => device.watts).map(mean)
      return averages.length === 0 ? null : sum(averages)
    },
    disturbances,
  } satisfies Omit<GpuSampler, 'stop' | 'showsMemoryOf' | 'watchGrowth'>
  return { addGpuLine, addProcessLine, addFailure: (said: string) => void failures.add(said), view }
}

const highest = (a: number | null, b: number | null) => (a === null || b === null ? null : Math.max(a, b))
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
/** null as soon as one is not known. */
const total = (values: readonly (number | null)[]) =>
  values.reduce<number | null>((all, value) => (all === null || value === null ? null : all + value), 0)
