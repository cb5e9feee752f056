import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ThreadProbe } from './thread-probe.ts'

function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a loop that is never idle is busy, one that waits is not', async () => {
  const busy = new ThreadProbe()
  await sleep(1)
  busy.open()
  for (let turn = 0; turn < 10; turn++) {
    spin(5)
    await new Promise(setImmediate)
  }
  busy.close()
  expect((await busy.report()).health.eventLoopUtilization).toBeGreaterThan(0.9)

  const idle = new ThreadProbe()
  idle.open()
  await sleep(100)
  idle.close()
  expect((await idle.report()).health.eventLoopUtilization).toBeLessThan(0.9)
})

test('a blocked loop shows as delay, as a gap, and as CPU time', async () => {
  const probe = new ThreadProbe()
  probe.open()
  await sleep(30)
  probe.beat()
  spin(60)
  await sleep(30)
  probe.beat()
  probe.close()
  probe.beat()
  const { cpuNs, health } = await probe.report()
  expect(health.eventLoopDelayP99Ns).toBeGreaterThan(30e6)
  expect(health.eventLoopGapNs).toBeGreaterThan(85e6)
  expect(cpuNs).toBeGreaterThan(0)
})

test('pauses of the garbage collector are seen, also those of the last moment, and not what comes after the window', async () => {
  const probe = new ThreadProbe()
  probe.open()
  const litter = () => {
    let kept: unknown[] = []
    for (let round = 0; round < 300; round++) kept = Array.from({ length: 10_000 }, (_, i) => ({ i, round }))
    return kept.length
  }
  const startMs = performance.now()
  expect(litter()).toBe(10_000)
  probe.close()
  const spentNs = (performance.now() - startMs) * 1e6
  for (let turn = 0; turn < 10; turn++) litter()
  const { health } = await probe.report()
  expect(health.gcPauseNs).toBeGreaterThan(0)
  expect(health.gcPauseMaxNs).toBeGreaterThan(0)
  expect(health.gcPauseMaxNs).toBeLessThanOrEqual(health.gcPauseNs ?? 0)
  expect(health.gcPauseNs).toBeLessThan(spentNs)
})
