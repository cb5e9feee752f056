import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ClientHealthProbe } from './client-health.ts'

const counts = { completed: 100, requests: 100, late: 0 }

function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a loop that is never idle is saturated in a closed loop, one that waits is not', async () => {
  const busy = new ClientHealthProbe()
  await sleep(1)
  busy.open()
  for (let turn = 0; turn < 10; turn++) {
    spin(5)
    await new Promise(setImmediate)
  }
  busy.close()
  const health = busy.report('concurrency', counts)
  expect(health.eventLoopUtilization).toBeGreaterThan(0.9)
  expect(health.saturated).toBe(true)
  // An open loop spins by design: there only lateness counts.
  expect(busy.report('requestRate', counts).saturated).toBe(false)

  const idle = new ClientHealthProbe()
  idle.open()
  await sleep(100)
  idle.close()
  expect(idle.report('concurrency', counts).saturated).toBe(false)
})

test('a blocked loop shows as delay and as CPU time of its requests', async () => {
  const probe = new ClientHealthProbe()
  probe.open()
  await sleep(30)
  spin(60)
  await sleep(30)
  probe.close()
  const health = probe.report('concurrency', counts)
  expect(health.eventLoopDelayP99Ns).toBeGreaterThan(30e6)
  expect(health.cpuNsPerRequest).toBeGreaterThan(0)
})

test.each([
  [10, false],
  [11, true],
])('%i late requests of 100: saturated %s', (late, saturated) => {
  const probe = new ClientHealthProbe()
  const health = probe.report('requestRate', { ...counts, late })
  expect(health).toMatchObject({ lateRatio: late / 100, saturated })
})

test('a window without requests has no division by zero', () => {
  const none = { completed: 0, requests: 0, late: 0 }
  expect(new ClientHealthProbe().report('requestRate', none)).toMatchObject({
    lateRatio: 0,
    saturated: false,
  })
})
