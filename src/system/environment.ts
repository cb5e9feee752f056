import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Environment } from '../domain/environment.ts'
import { cpuGovernor, cpuLimit } from './host-activity.ts'

/** This machine; `runnerClass` as configured, else made from CPU model, cores and memory in GiB. */
export function describeHost(runnerClass: string | null): Environment['host'] {
  const cpuModel = cpus()[0]?.model.trim().replace(/\s+/g, ' ') || 'unknown CPU'
  const cpuCount = availableParallelism()
  const memoryTotalBytes = availableMemoryBytes()
  // Rounded: the kernel's share of the memory differs a little from boot to boot.
  const gibibytes = Math.round(memoryTotalBytes / 2 ** 30)
  const [limit, governor] = [cpuLimit(), cpuGovernor()]
  return {
    runnerClass: runnerClass ?? `${cpuModel}, ${cpuCount} cores, ${gibibytes} GiB`,
    cpuModel,
    cpuCount,
    ...(limit === null ? {} : { cpuLimit: limit }),
    ...(governor === null ? {} : { cpuGovernor: governor }),
    memoryTotalBytes,
    os: `${distribution()}, ${type()} ${release()}`,
  }
}

/** The container's limit where it is below the machine's memory (Node says 0 or a huge number for "none"). */
function availableMemoryBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : totalmem()
}

function distribution(): string {
  try {
    return prettyName(readFileSync('/etc/os-release', 'utf8')) ?? 'unknown system'
  } catch {
    return 'unknown system'
  }
}

/** PRETTY_NAME of an os-release file. */
export function prettyName(osRelease: string): string | null {
  return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(osRelease)?.[2] ?? null
}
