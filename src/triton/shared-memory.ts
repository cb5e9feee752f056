import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeLeftover } from '../system/leftover.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'

const folder = '/dev/shm'
const prefix = 'triton-perf-gate.'
let servers = 0

/**
 * A prefix for the shared-memory regions of one server's python backend. A server that is killed leaves them
 * (1 MB and more for each instance): by the prefix they are known to be ours, and whether their owner still lives.
 */
export function makeRegionPrefix(): string {
  servers += 1
  return `${prefix}${processIdentity()}.${servers}.`
}

/** Removes what a server that has ended left behind. */
export function removeRegions(regionPrefix: string): void {
  for (const name of list()) if (name.startsWith(regionPrefix)) rmSync(join(folder, name), { force: true })
}

/** Removes the regions of gates that were killed; those of living ones, and of anybody else, stay. */
export function removeStaleRegions(): void {
  for (const name of list()) {
    const owner = /^triton-perf-gate\.([\w-]+\.\d+\.\d+)\.\d+\./.exec(name)?.[1]
    if (owner !== undefined && stateOf(owner) === 'dead') removeLeftover(join(folder, name))
  }
}

function list(): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // no such thing on this machine
  }
}
