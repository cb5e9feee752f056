import { mean } from '../stats/robust.ts'
import { type Gpu, parseGpu, parseProcess, type ThrottleReason } from './nvidia-smi.ts'

/** GPU readings while load runs. All values are since the last reset; null where nothing was read. */
export interface ReadingsView {
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
  /** By UUID, the last reading of what a GPU holds; without those that do not say. */
  readonly lastMemory: () => ReadonlyMap<string, DeviceMemory>
  /** Average of the busiest GPU. */
  readonly utilizationRatio: () => number | null
  /** Average, summed over GPUs. */
  readonly powerWatts: () => number | null
  /** What disturbed the measurement: GPUs slowed down by heat or power supply, or lost; processes that came. */
  readonly disturbances: (ownPids: readonly number[]) => string[]
}

/** What one GPU holds, whoever it belongs to, and what it has. */
export interface DeviceMemory {
  readonly usedBytes: number
  readonly totalBytes: number
}

/** null where the GPU does not say. */
export function deviceMemoryOf({
  memoryUsedBytes: usedBytes,
  memoryTotalBytes: totalBytes,
}: Gpu): DeviceMemory | null {
  return usedBytes === null ? null : { usedBytes, totalBytes }
}

/** Bytes, and in words whose they are; null bytes with why there are none. */
export interface GpuMemory {
  readonly bytes: number | null
  readonly source: string
}

export const memorySources = {
  processes: "GPU memory as nvidia-smi shows it for the server's own processes",
  devices:
    "GPU memory as the GPUs held it beyond idle: nvidia-smi does not show that of the server's processes",
  growth:
    "GPU memory as the GPUs gained it while the server started and warmed up: nvidia-smi does not show that of the server's processes",
  shared:
    "nvidia-smi does not show the GPU memory of the server's processes, and two servers shared what the GPUs held",
  unread: 'nvidia-smi gave no reading of GPU memory',
} as const

/** What a server held before a model was loaded, in the two ways in which it can be read; null = not known. */
export interface IdleServer {
  /** Of its own processes; 0 where none of them uses a GPU, or none is shown. */
  readonly ownBytes: number | null
  /** What the devices gained while it started. */
  readonly gainedBytes: number | null
}

/** What the server held before the model was loaded, read in the way in which `memory` was; null = not known. */
export function idleShare({ bytes, source }: GpuMemory, idle: IdleServer): number | null {
  if (bytes === null) return null
  return source === memorySources.processes ? idle.ownBytes : idle.gainedBytes
}

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

interface DeviceReadings {
  /** The peak; null once a reading said that it is not known. */
  memoryUsedBytes: number | null
  /** The last reading. */
  last: DeviceMemory | null
  readonly utilization: number[]
  readonly watts: number[]
  readonly throttle: Set<ThrottleReason>
}

/** What was read since the last reset. */
interface Collected {
  /** By UUID. */
  readonly devices: Map<string, DeviceReadings>
  /** Peak bytes by pid and GPU; null where the process is shown without a number. */
  readonly processes: Map<number, Map<string, number | null>>
  /** What came in place of a GPU's readings, such as `nvidia-smi said [GPU is lost]`. */
  readonly failures: Set<string>
}

/** Collects the lines of both queries. Pure but for its own memory. */
export function createReadings(idle: readonly Gpu[], neighbours: ReadonlySet<number>) {
  const collected: Collected = { devices: new Map(), processes: new Map(), failures: new Set() }
  const { devices, processes, failures } = collected
  const averages = (values: (device: DeviceReadings) => readonly number[]) =>
    [...devices.values()]
      .map(values)
      .filter((list) => list.length > 0)
      .map(mean)
  const view = {
    reset: () => {
      devices.clear()
      processes.clear()
      failures.clear()
    },
    memoryOf: (pids, alone) => memoryOf(collected, idle, pids, alone),
    deviceMemory: (ownBytes, alone) =>
      alone
        ? total(idle.map(({ uuid }) => devices.get(uuid)?.memoryUsedBytes ?? null))
        : total([ownBytes, ...idle.map(({ memoryUsedBytes }) => memoryUsedBytes)]),
    lastMemory: () =>
      new Map([...devices].flatMap(([uuid, { last }]) => (last === null ? [] : [[uuid, last]]))),
    utilizationRatio: () => {
      const ratios = averages(({ utilization }) => utilization)
      return ratios.length === 0 ? null : Math.max(...ratios)
    },
    powerWatts: () => {
      const watts = averages((device) => device.watts)
      return watts.length === 0 ? null : sum(watts)
    },
    disturbances: (ownPids) => disturbances(collected, ownPids, neighbours),
  } satisfies ReadingsView
  return {
    addGpuLine: (line: string) => addGpuLine(collected, line),
    addProcessLine: (line: string) => addProcessLine(collected, line),
    addFailure: (said: string) => void failures.add(said),
    view,
  }
}

function addGpuLine({ devices, failures }: Collected, line: string): void {
  const gpu = parseGpu(line)
  if (gpu === null) {
    if (line.trim() !== '') failures.add(`nvidia-smi said ${line.split(', ')[0] ?? line}`)
    return
  }
  const device = devices.get(gpu.uuid) ?? {
    memoryUsedBytes: 0,
    last: null,
    utilization: [],
    watts: [],
    throttle: new Set(),
  }
  device.memoryUsedBytes = highest(device.memoryUsedBytes, gpu.memoryUsedBytes)
  device.last = deviceMemoryOf(gpu)
  if (gpu.utilizationRatio !== null) device.utilization.push(gpu.utilizationRatio)
  if (gpu.powerWatts !== null) device.watts.push(gpu.powerWatts)
  for (const reason of gpu.throttleReasons ?? []) device.throttle.add(reason)
  devices.set(gpu.uuid, device)
}

function addProcessLine({ processes }: Collected, line: string): void {
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

/** As `ReadingsView.memoryOf`. */
function memoryOf(
  { devices, processes }: Collected,
  idle: readonly Gpu[],
  pids: readonly number[],
  alone: boolean,
): GpuMemory {
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

/** As `ReadingsView.disturbances`; the neighbours were there before. */
function disturbances(
  { devices, processes, failures }: Collected,
  ownPids: readonly number[],
  neighbours: ReadonlySet<number>,
): string[] {
  const slowed = [...devices].flatMap(([uuid, { throttle }]) =>
    disturbing.filter((reason) => throttle.has(reason)).map((reason) => `gpu_throttled: ${uuid}: ${reason}`),
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

const highest = (a: number | null, b: number | null) => (a === null || b === null ? null : Math.max(a, b))
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
/** null as soon as one is not known. */
export const total = (values: readonly (number | null)[]) =>
  values.reduce<number | null>((all, value) => (all === null || value === null ? null : all + value), 0)
