// GPUs for the tests of a file: those of the stand-in for NVIDIA's library, in the way of a machine.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach } from 'vitest'
import { type GpuState, type NvmlState, openStandIn } from './stand-in.ts'

const opened = openStandIn()
/** null where it cannot be built: then the tests are skipped, aloud. */
export const standIn = 'unavailable' in opened ? null : opened
// Aloud, since the reporter does not print why it skips.
if ('unavailable' in opened) process.stderr.write(`SKIPPED, no ${opened.unavailable}\n`)
const removals: (() => void)[] = [() => standIn?.remove()]
afterAll(() => {
  for (const remove of removals) remove()
})

export const mebibyte = 2 ** 20
// Of this run alone: runs of the gate lock a GPU by its UUID.
export const [uuidA, uuidB] = [`GPU-a-${randomUUID()}`, `GPU-b-${randomUUID()}`]
export const l4: GpuState = {
  uuid: uuidA,
  name: 'NVIDIA L4',
  total: 23034,
  used: 512,
  utilization: 37,
  power: 31500,
  clock: 2040,
  throttle: 0x44,
  mig: 0,
}
export const bare: GpuState = { uuid: uuidB, name: 'NVIDIA L4', total: 23034, used: 0 }

beforeEach((ctx) => {
  if ('unavailable' in opened) ctx.skip(opened.unavailable)
})

/** Calls it when the file's tests are over. */
export function removeAfterwards(remove: () => void): void {
  removals.push(remove)
}

/** Sets the GPUs and gives the world that sees them. */
export function given(state: NvmlState) {
  if (standIn === null) throw new Error('skipped')
  standIn.set(state)
  return standIn.world
}
