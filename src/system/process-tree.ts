import { readdirSync } from 'node:fs'
import { readTextIfAny } from './read-text.ts'

/** `root` and all its descendants as far as /proc shows them; empty where `root` is gone. */
export function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  let rootLives = false
  for (const entry of listProcesses()) {
    const pid = Number(entry)
    const stat = readStat(pid)
    if (stat === null) continue
    if (pid === root) rootLives = true
    childrenOf.set(stat.parentPid, [...(childrenOf.get(stat.parentPid) ?? []), pid])
  }
  if (!rootLives) return []
  const tree = [root]
  // Grows while it is walked: each process brings its children.
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

/**
 * Resident memory of the processes in bytes (VmRSS); null where none of them lives. Pages they share,
 * such as libraries, count once for each process, on both sides of a comparison alike.
 */
export function memoryOfTree(pids: readonly number[]): number | null {
  const kibibytes = pids.flatMap((pid) => {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readTextIfAny(`/proc/${pid}/status`) ?? '')
    return match === null ? [] : [Number(match[1])]
  })
  return kibibytes.length === 0 ? null : kibibytes.reduce((sum, each) => sum + each, 0) * 1024
}

/** USER_HZ, which Linux has fixed at 100 for all that it shows to programs. */
export const nsPerTick = 10_000_000

/** CPU time of each process that lives, all its threads together, in ns; the kernel counts it in ticks of 10 ms here. */
export function cpuNsOf(pids: readonly number[]): Map<number, number> {
  return new Map(
    pids.flatMap((pid) => {
      const stat = readStat(pid)
      return stat === null ? [] : [[pid, stat.cpuTicks * nsPerTick] as const]
    }),
  )
}

/** Parent, CPU time (user and system, in ticks) and start time (clock ticks since boot) of a process; null where it is gone. */
export function readStat(
  pid: number,
): { readonly parentPid: number; readonly cpuTicks: number; readonly startTicks: string } | null {
  const { rest } = nameAndRest(pid)
  if (rest === '') return null
  const fields = rest.split(' ')
  const cpuTicks = Number(fields[11]) + Number(fields[12])
  return { parentPid: Number(fields[1]), cpuTicks, startTicks: fields[19] ?? '' }
}

/**
 * Whether a process of this name has ended, and its parent has not yet asked how. What such a process has forked bears its
 * name too, and is its own affair. The kernel keeps 15 bytes of a name.
 */
export function isUnreaped(pid: number, name: string): boolean {
  const { name: own, rest } = nameAndRest(pid)
  if (own !== name.slice(0, 15) || !rest.startsWith('Z ')) return false
  return nameAndRest(Number(rest.split(' ')[1])).name !== own
}

/** Both empty where the process is gone. The name, in parentheses, may hold blanks and parentheses itself (proc(5)). */
function nameAndRest(pid: number): { readonly name: string; readonly rest: string } {
  const text = readTextIfAny(`/proc/${pid}/stat`) ?? ''
  const end = text.lastIndexOf(')')
  return { name: text.slice(text.indexOf('(') + 1, Math.max(end, 0)), rest: text.slice(end + 2) }
}

/** The arguments of a process, its program first; none where it is gone or hidden. */
export function commandLineOf(pid: number): readonly string[] {
  return (readTextIfAny(`/proc/${pid}/cmdline`) ?? '').split('\0')
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  } catch {
    return [] // no /proc: not Linux
  }
}
