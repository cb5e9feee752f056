import { expect, test } from 'vitest'
import type { World } from '../domain/world.ts'
import { toWindows } from './perf-analyzer-windows.ts'

const second = 1e9
const world = { nowNs: () => 0, date: () => '1970-01-01T00:00:00.000Z' } as unknown as World

function windows(load: Parameters<typeof toWindows>[1], finishing?: number) {
  const window = (start: number) => ({
    startWallNs: BigInt(start * second),
    durationNs: second,
    latenciesNs: Float64Array.from({ length: 1000 }, () => 2e6),
  })
  const outcome = {
    status: 'measured',
    profile: { requests: 3500, windows: [window(1), window(2), window(3)] },
    self: { overheadRatio: null, delayedRatio: 0, warnings: [] },
  } as unknown as Parameters<typeof toWindows>[2]
  return toWindows(world, load, outcome, finishing)
}

test('the server may have counted what is in no window: earlier requests, those on the way, and those sent while it stops', () => {
  const closed = windows({ mode: 'concurrency', concurrency: 4 }, 48)
  expect(closed.map(({ completed }) => completed)).toEqual([1000, 1000, 1000])
  expect(closed.map(({ issued }) => issued)).toEqual([1000 + 500, 1000, 1000])
  // 4 on the way, 50 ms at 1000 a second, and 48 that end sequences.
  expect(closed.map(({ mayHaveIssued }) => mayHaveIssued)).toEqual([4 + 50 + 48, undefined, undefined])
  // At 500 a second, one is on the way for 2 ms.
  const [open] = windows({ mode: 'requestRate', requestRate: 500 })
  expect(open).toMatchObject({ issued: 1000 + 500, mayHaveIssued: 1 + 50 })
})
