import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { readStat } from './process-tree.ts'

/**
 * Names a process so that a later one can tell whether it still lives: machine (host name, boot, pid
 * namespace – a cache may be shared between containers), pid, and start time, since pids are used again.
 * Only letters, digits, `_`, `.` and `-`: it serves in file names and container labels.
 */
export function processIdentity(pid: number = process.pid): string {
  return `${machineIdentity()}.${pid}.${readStat(pid)?.startTicks ?? '0'}`
}

/** `elsewhere` where the owner belongs to another machine or container, of which nothing is known here. */
export function stateOf(identity: string): 'alive' | 'dead' | 'elsewhere' {
  const [, machine, pid, startTicks] = /^(.+)\.(\d+)\.(\d+)$/.exec(identity) ?? []
  if (machine !== machineIdentity()) return 'elsewhere'
  const stat = readStat(Number(pid))
  return stat !== null && stat.startTicks === startTicks ? 'alive' : 'dead'
}

function machineIdentity(): string {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8))
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid').replace(/\D/g, ''))
  return `${hostname()}-${boot}-${namespace}`.replace(/[^A-Za-z0-9_-]/g, '_')
}

function attempt(read: () => string): string {
  try {
    return read()
  } catch {
    return '0'
  }
}
