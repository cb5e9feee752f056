import { existsSync, statfsSync } from 'node:fs'
import { freemem, loadavg } from 'node:os'
import { cpuNsOf, nsPerTick, processTree } from './process-tree.ts'
import { readTextIfAny } from './read-text.ts'

/** The kernel's counters at one moment; null where this machine or container does not show them. */
export interface HostReading {
  readonly cpu: CpuTicks | null
  /** Time in which some process waited, in µs since boot (Documentation/accounting/psi.rst). */
  readonly pressure: Readonly<Record<Resource, number | null>>
  /** Time in which this container was stopped at its CPU limit, in µs. */
  readonly throttledUs: number | null
  /** CPU time of the gate and the servers it measures, by pid. */
  readonly ownCpuNs: ReadonlyMap<number, number>
}

const resources = ['cpu', 'memory', 'io'] as const
type Resource = (typeof resources)[number]

/** The first line of /proc/stat, summed up (proc(5)): in ticks, over all CPUs. */
interface CpuTicks {
  readonly total: number
  readonly idle: number
  readonly steal: number
}

/** What went on beside the measurement; shares of 0 to 1, null = not to be had here. */
export interface HostActivity {
  /** Of the last minute, as the kernel has it at the end: our own load is in it. */
  readonly loadAverage: number
  /** CPU time of processes that are neither the gate nor a server of its, of all CPU time there was. */
  readonly otherCpuRatio: number | null
  /** CPU time that the hypervisor gave to someone else. */
  readonly stealRatio: number | null
  /** Time in which some process waited for it; for the CPU our own load makes most of it. */
  readonly cpuPressureRatio: number | null
  readonly memoryPressureRatio: number | null
  readonly ioPressureRatio: number | null
  /** Time in which this container stood at its CPU limit. */
  readonly throttledRatio: number | null
}

/** @param servers pids of servers that are not our children, such as those in containers */
export function readHost(servers: readonly number[]): HostReading {
  const own = new Set([...processTree(process.pid), ...servers])
  return {
    cpu: parseCpuTicks(readTextIfAny('/proc/stat')),
    pressure: {
      cpu: parsePressure(readTextIfAny('/proc/pressure/cpu')),
      memory: parsePressure(readTextIfAny('/proc/pressure/memory')),
      io: parsePressure(readTextIfAny('/proc/pressure/io')),
    },
    throttledUs: parseThrottled(readTextIfAny(`${cgroupFolder()}/cpu.stat`)),
    ownCpuNs: cpuNsOf([...own]),
  }
}

/** @param elapsedNs between the readings */
export function hostActivity(before: HostReading, after: HostReading, elapsedNs: number): HostActivity {
  const cpu = cpuShares(before, after)
  const share = (from: number | null, to: number | null) =>
    from === null || to === null || elapsedNs <= 0 ? null : clamp(((to - from) * 1000) / elapsedNs)
  const pressure = (resource: Resource) => share(before.pressure[resource], after.pressure[resource])
  return {
    loadAverage: loadavg()[0] ?? 0,
    ...cpu,
    cpuPressureRatio: pressure('cpu'),
    memoryPressureRatio: pressure('memory'),
    ioPressureRatio: pressure('io'),
    throttledRatio: share(before.throttledUs, after.throttledUs),
  }
}

function cpuShares(
  before: HostReading,
  after: HostReading,
): Pick<HostActivity, 'otherCpuRatio' | 'stealRatio'> {
  if (before.cpu === null || after.cpu === null) return { otherCpuRatio: null, stealRatio: null }
  const total = after.cpu.total - before.cpu.total
  // A sandbox may show a file of zeros.
  if (total <= 0) return { otherCpuRatio: null, stealRatio: null }
  const steal = after.cpu.steal - before.cpu.steal
  const busy = total - (after.cpu.idle - before.cpu.idle) - steal
  const own = cpuDeltaNs(before.ownCpuNs, after.ownCpuNs) / nsPerTick
  return { otherCpuRatio: clamp((busy - own) / total), stealRatio: clamp(steal / total) }
}

/** CPU time that these processes used between two readings. One that came in between began with nothing; one that ended is lost. */
export function cpuDeltaNs(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [pid, ns]) => sum + Math.max(0, ns - (before.get(pid) ?? 0)), 0)
}

const clamp = (share: number) => Math.min(1, Math.max(0, share))

export function parseCpuTicks(procStat: string | null): CpuTicks | null {
  const match = /^cpu +(\d+(?: \d+)+)$/m.exec(procStat ?? '')
  if (match?.[1] === undefined) return null
  // Guest time, the ninth and tenth, is part of user time.
  const ticks = match[1].split(' ').slice(0, 8).map(Number)
  const [, , , idle = 0, iowait = 0, , , steal = 0] = ticks
  return { total: ticks.reduce((sum, each) => sum + each, 0), idle: idle + iowait, steal }
}

/** µs of the line `some`. */
export function parsePressure(text: string | null): number | null {
  const total = /^some .*\btotal=(\d+)/m.exec(text ?? '')?.[1]
  return total === undefined ? null : Number(total)
}

/** µs in cgroup v2's cpu.stat; it has the line only where the group has a limit's controller. */
export function parseThrottled(cpuStat: string | null): number | null {
  const usec = /^throttled_usec (\d+)$/m.exec(cpuStat ?? '')?.[1]
  return usec === undefined ? null : Number(usec)
}

/** CPUs that this container may use at most, from cgroup v2's cpu.max; null where there is no limit to be seen. */
export function cpuLimit(): number | null {
  return parseCpuMax(readTextIfAny(`${cgroupFolder()}/cpu.max`))
}

export function parseCpuMax(text: string | null): number | null {
  const [, quota, period] = /^(\d+) (\d+)$/m.exec(text ?? '') ?? []
  return quota === undefined || period === undefined ? null : Number(quota) / Number(period)
}

/** Memory that processes can still have, in bytes: of the machine, or of this container where its limit leaves less. */
export function freeMemoryBytes(): number {
  const [max, current, stat] = ['max', 'current', 'stat'].map((name) =>
    readTextIfAny(`${cgroupFolder()}/memory.${name}`),
  )
  return Math.min(freemem(), parseMemoryRoom(max ?? null, current ?? null, stat ?? null))
}

/** Where processes share memory, those of the python backend among them; in a container often 64 MiB. Infinite free where there is none. */
export function sharedMemoryRoom(): { readonly usedBytes: number; readonly freeBytes: number } {
  try {
    const { bsize, blocks, bavail, bfree } = statfsSync('/dev/shm')
    return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize }
  } catch {
    return { usedBytes: 0, freeBytes: Number.POSITIVE_INFINITY }
  }
}

/** Whether NVIDIA's driver, or that of Windows below WSL, has made a GPU visible here; nvidia-smi may be missing all the same. */
export function hasGpuDevice(): boolean {
  return ['/dev/nvidiactl', '/dev/dxg'].some((path) => existsSync(path))
}

/** What cgroup v2's memory.max leaves beside memory.current without the files in it that the kernel would drop; infinite without a limit. */
export function parseMemoryRoom(max: string | null, current: string | null, stat: string | null): number {
  const [limit, used] = [max, current].map((text) => /^\d+$/.exec(text?.trim() ?? '')?.[0])
  if (limit === undefined || used === undefined) return Number.POSITIVE_INFINITY
  const files = Number(/^inactive_file (\d+)$/m.exec(stat ?? '')?.[1] ?? 0)
  return Math.max(0, Number(limit) - (Number(used) - files))
}

/** How the kernel chooses the clock of the first CPU (cpufreq), such as `performance`; null where it does not say. */
export function cpuGovernor(): string | null {
  return readTextIfAny('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim() || null
}

/** This process's cgroup v2, as this container sees it. */
function cgroupFolder(): string {
  const path = /^0::(\/.*)$/m.exec(readTextIfAny('/proc/self/cgroup') ?? '')?.[1] ?? '/'
  return `/sys/fs/cgroup${path === '/' ? '' : path}`
}
