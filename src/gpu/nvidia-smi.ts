import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'

/** One GPU as nvidia-smi shows it now; null where it does not say (`[N/A]`). */
export interface Gpu {
  readonly uuid: string
  readonly name: string
  readonly driverVersion: string
  readonly memoryTotalBytes: number
  readonly memoryUsedBytes: number | null
  readonly utilizationRatio: number | null
  readonly powerWatts: number | null
  readonly smClockMegahertz: number | null
  /** What holds the clocks down, in NVIDIA's words. */
  readonly throttleReasons: readonly ThrottleReason[] | null
  readonly mig: boolean | null
}

export type GpuReading =
  | {
      readonly status: 'available'
      readonly gpus: readonly Gpu[]
      /** The arguments that this nvidia-smi answered: the same ones read it again. */
      readonly query: readonly string[]
    }
  | { readonly status: 'unavailable'; readonly reason: string }

/** Memory of one process on one GPU; pids are those of the host. */
export interface GpuProcess {
  readonly gpuUuid: string
  readonly pid: number
  /** null under MIG, where nvidia-smi does not say. */
  readonly memoryBytes: number | null
}

/** Bits of `clocks_event_reasons.active` (nvml.h, nvmlClocksThrottleReason*). */
const throttleBits = {
  gpu_idle: 0x1n,
  applications_clocks_setting: 0x2n,
  sw_power_cap: 0x4n,
  hw_slowdown: 0x8n,
  sync_boost: 0x10n,
  sw_thermal_slowdown: 0x20n,
  hw_thermal_slowdown: 0x40n,
  hw_power_brake_slowdown: 0x80n,
  display_clock_setting: 0x100n,
} as const
export type ThrottleReason = keyof typeof throttleBits
const throttleReasons = Object.keys(throttleBits) as readonly ThrottleReason[]

const gpuFields = [
  'uuid',
  'name',
  'driver_version',
  'memory.total',
  'memory.used',
  'utilization.gpu',
  'power.draw',
  'clocks.sm',
  'mig.mode.current',
]

/** Drivers before 535 know the old name only; NVIDIA has announced that it will go. */
const throttleFields = ['clocks_throttle_reasons.active', 'clocks_event_reasons.active']
/** nvidia-smi's exit code for a field that it does not know. */
const unknownField = 2

/** Only values: headers and units differ between versions. MiB, %, W and MHz without their names. */
const format = '--format=csv,noheader,nounits'
const gpuQuery = (throttleField: string, only: GpuSelection) => [
  `--query-gpu=${[...gpuFields, throttleField].join(',')}`,
  format,
  ...selected(only),
]
export const processQuery = (only: GpuSelection): readonly string[] => [
  '--query-compute-apps=gpu_uuid,pid,used_memory',
  format,
  ...selected(only),
]

/** UUIDs or indices of the GPUs that are the server's; null = all of the machine. */
export type GpuSelection = readonly string[] | null
const selected = (only: GpuSelection) => (only === null ? [] : [`--id=${only.join(',')}`])

/** A driver that is being set up answers after seconds. */
const timeoutNs = 30 * nsPerSecond

/** The GPUs that the server may use, or why none can be read. */
export async function queryGpus(world: World, only: GpuSelection): Promise<GpuReading> {
  if (only?.length === 0) return { status: 'unavailable', reason: 'no GPU is to be used' }
  let reason = ''
  for (const throttleField of throttleFields) {
    const query = gpuQuery(throttleField, only)
    const output = await world.run('nvidia-smi', query, { timeoutNs })
    if (output.exitCode === 0) return readingOf(output.stdout, query)
    reason = reasonOf(output)
    if (output.exitCode !== unknownField) break
  }
  return { status: 'unavailable', reason }
}

function readingOf(stdout: string, query: readonly string[]): GpuReading {
  const gpus = lines(stdout).map(parseGpu)
  const readable = gpus.filter((gpu) => gpu !== null)
  if (readable.length === 0 || readable.length < gpus.length) {
    return { status: 'unavailable', reason: `nvidia-smi answered "${stdout.trim().slice(0, 200)}"` }
  }
  return { status: 'available', gpus: readable, query }
}

/** Processes that compute on these GPUs now; none where nvidia-smi fails. In a container its list may be empty. */
export async function queryProcesses(world: World, only: GpuSelection): Promise<GpuProcess[]> {
  const output = await world.run('nvidia-smi', processQuery(only), { timeoutNs })
  if (output.exitCode !== 0) return []
  return lines(output.stdout).flatMap((line) => parseProcess(line) ?? [])
}

/** A line of the answer to gpuQuery; null where it is something else, such as an error. */
export function parseGpu(line: string): Gpu | null {
  const fields = line.split(', ')
  const [uuid, name, driverVersion, total, used, utilization, power, clock, mig, throttle] = fields
  if (fields.length !== 10 || !uuid?.startsWith('GPU-') || name === undefined || driverVersion === undefined)
    return null
  const totalBytes = mebibytes(total)
  if (totalBytes === null) return null
  const percent = numberOf(utilization)
  return {
    uuid,
    name,
    driverVersion,
    memoryTotalBytes: totalBytes,
    memoryUsedBytes: mebibytes(used),
    utilizationRatio: percent === null ? null : percent / 100,
    powerWatts: numberOf(power),
    smClockMegahertz: numberOf(clock),
    throttleReasons: throttleOf(throttle),
    mig: mig === 'Enabled' ? true : mig === 'Disabled' ? false : null,
  }
}

/** A line of the answer to processQuery; null where it is something else. */
export function parseProcess(line: string): GpuProcess | null {
  const [gpuUuid, pid, memory] = line.split(', ')
  if (!gpuUuid?.startsWith('GPU-') || !/^\d+$/.test(pid ?? '')) return null
  return { gpuUuid, pid: Number(pid), memoryBytes: mebibytes(memory) }
}

function throttleOf(mask: string | undefined): ThrottleReason[] | null {
  if (mask === undefined || !/^0x[0-9a-fA-F]+$/.test(mask)) return null
  return throttleReasons.filter((reason) => (BigInt(mask) & throttleBits[reason]) !== 0n)
}

/** null for `[N/A]`, `[Not Supported]`, `[Function Not Found]`. */
function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null
}

function mebibytes(text: string | undefined): number | null {
  const value = numberOf(text)
  return value === null ? null : value * 2 ** 20
}

const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '')

/** nvidia-smi writes its errors to stdout. */
function reasonOf(output: RunOutput): string {
  if (output.exitCode === 127) return 'nvidia-smi not found'
  if (output.timedOut) return 'nvidia-smi does not answer'
  const said = lines(output.stdout)[0] ?? lines(output.stderr)[0] ?? 'no output'
  return `nvidia-smi failed (exit code ${output.exitCode}): ${said}`
}
