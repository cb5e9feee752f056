import { readdirSync, readFileSync } from 'node:fs'
import { processTree } from '../src/system/process-tree.ts'

/** _SC_CLK_TCK, 100 on every Linux that Node runs on. */
const nsPerTick = 10_000_000

/**
 * CPU time that a process and its descendants have used until now, in ns: from the scheduler's own count of each
 * thread, else (a kernel without it) from the ticks in /proc/PID/stat, which come in steps of 10 ms.
 */
export function cpuNsOfTree(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + (scheduledNs(pid) ?? ticksNs(pid)), 0)
}

function scheduledNs(pid: number): number | null {
  try {
    let totalNs = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/sched`, 'utf8')
      const match = /^se\.sum_exec_runtime\s*:\s*([\d.]+)$/m.exec(text)
      if (match === null) return null
      totalNs += Number(match[1]) * 1e6
    }
    return totalNs
  } catch {
    return null
  }
}

function ticksNs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything: count the fields from its end (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * nsPerTick
  } catch {
    return 0 // ended meanwhile
  }
}
