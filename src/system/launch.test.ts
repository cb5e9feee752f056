import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { endProcess } from './launch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A process that ends so many ms after a signal; null = never. */
function fakeProcess(afterTermMs: number | null, afterKillMs: number | null) {
  const signals: string[] = []
  let end = () => {}
  const exited = new Promise<void>((resolve) => {
    end = resolve
  })
  const after = (ms: number | null, name: string) => () => {
    signals.push(name)
    if (ms !== null) setTimeout(end, ms)
  }
  const process = {
    terminate: after(afterTermMs, 'TERM'),
    kill: after(afterKillMs, 'KILL'),
    exited,
    graceMs: 100,
  }
  return { signals, process }
}

test.each<[string, number | null, number | null, string[], boolean]>([
  ['ends when it is asked', 50, 0, ['TERM'], true],
  ['ends only by force', null, 20_000, ['TERM', 'KILL'], true],
  ['ends by nothing', null, null, ['TERM', 'KILL'], false],
])('a process that %s', async (_, afterTermMs, afterKillMs, signals, isGone) => {
  const fake = fakeProcess(afterTermMs, afterKillMs)
  const ended = endProcess(fake.process)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await ended).toBe(isGone)
  expect(fake.signals).toEqual(signals)
  expect(vi.getTimerCount()).toBe(0)
})
