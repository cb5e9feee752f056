// Clocks that are locked and set free by the real nvidia-smi, on GPUs that live in a text file (test/support/nvml).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { freeLeftClocks, lockClocks } from '../../src/gpu/clocks.ts'
import { queryGpus } from '../../src/gpu/nvidia-smi.ts'
import { bare, given, l4, removeAfterwards, standIn } from '../support/nvml/given.ts'
import type { GpuState } from '../support/nvml/stand-in.ts'

describe('clocks', () => {
  const settings = { lockGpuClocks: null, lockGpuMemoryClocks: null } as const
  const stateFiles = (folder: string) => readdirSync(folder)
  let folder: string
  beforeEach(() => {
    const fresh = mkdtempSync(join(tmpdir(), 'tpg-clocks-'))
    removeAfterwards(() => rmSync(fresh, { recursive: true }))
    folder = fresh
    standIn?.takeClockChanges()
  })

  test('are locked, seen as locked, and set free', async () => {
    const world = given({ gpus: [{ ...l4, default_clock: 795 }, bare] })
    const wish = { lockGpuClocks: 'default', lockGpuMemoryClocks: 5001 } as const
    const locked = await lockClocks(world, [l4], wish, folder)
    expect([...locked.megahertz]).toEqual([[l4.uuid, 795]])
    expect(locked.warnings).toEqual([])
    expect(await queryGpus(world, null)).toMatchObject({ gpus: [{ smClockMegahertz: 795 }, {}] })
    expect(await locked.restore()).toEqual([])
    expect(standIn?.takeClockChanges()).toEqual([
      'memory 0 5001 5001',
      'gpu 0 795 795',
      'memory 0 reset',
      'gpu 0 reset',
    ])
    expect(stateFiles(folder)).toEqual([])
  })

  test.each<[string, Partial<GpuState>, string]>([
    ['without permission', { locking: 4 }, 'does not have permission to change clocks'],
    // nvidia-smi calls this a warning and ends with exit code 0.
    ['on a GPU that cannot', { locking: 3 }, 'Setting locked GPU clocks is not supported'],
    ['on a GPU in trouble', { locking: 999 }, 'Unknown Error (exit code'],
  ])('%s run free, with a warning; nothing is left to be set free', async (_, trouble, words) => {
    const world = given({ gpus: [{ ...l4, ...trouble }] })
    const locked = await lockClocks(world, [l4], { ...settings, lockGpuClocks: 1200 }, folder)
    expect(locked.megahertz.size).toBe(0)
    expect(locked.warnings).toEqual([expect.stringContaining(words)])
    expect(await locked.restore()).toEqual([])
    expect(stateFiles(folder)).toEqual([])
    expect(standIn?.takeClockChanges()).toEqual([])
  })

  test('that have no default must be named', async () => {
    const wish = { ...settings, lockGpuClocks: 'default' } as const
    const locked = await lockClocks(given({ gpus: [l4] }), [l4], wish, folder)
    expect(locked.warnings).toEqual([expect.stringContaining('gate.lock_gpu_clocks a number of MHz')])
  })

  test('of a run that was killed are set free by the next one, those of a living run are not', async () => {
    const world = given({ gpus: [l4, bare] })
    await lockClocks(world, [l4, bare], { ...settings, lockGpuClocks: 1200 }, folder)
    standIn?.takeClockChanges()
    expect(await freeLeftClocks(world, folder)).toEqual([])
    // As if the owner had been another process, which is gone.
    const file = join(folder, `triton-perf-gate-clocks-${l4.uuid}`)
    const state = JSON.parse(readFileSync(file, 'utf8')) as { owner: string }
    writeFileSync(file, JSON.stringify({ ...state, owner: state.owner.replace(/\d+$/, '1') }))
    expect(await freeLeftClocks(world, folder)).toEqual([
      expect.stringContaining(`freed the clocks of ${l4.uuid}`),
    ])
    expect(standIn?.takeClockChanges()).toEqual(['gpu 0 reset'])
    expect(stateFiles(folder)).toEqual([`triton-perf-gate-clocks-${bare.uuid}`])
  })

  test('that cannot be set free are said to be locked, and tried again by the next start', async () => {
    const locked = await lockClocks(given({ gpus: [l4] }), [l4], { ...settings, lockGpuClocks: 1200 }, folder)
    given({ gpus: [{ ...l4, locking: 4 }] })
    expect(await locked.restore()).toEqual([expect.stringContaining('may still be locked')])
    expect(stateFiles(folder)).toHaveLength(1)
  })
})
