import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import type { ThreadHealth } from '../domain/scenario.ts'
import { clientHealth } from './client-health.ts'
import type { ThreadReport } from './protocol.ts'

const closed: Load = { mode: 'concurrency', concurrency: 2 }
const open: Load = { mode: 'requestRate', requestRate: 100 }
const pool = { connections: 2, threadsReason: 'one was enough' }

function report(health: Partial<ThreadHealth> = {}, change: Partial<ThreadReport> = {}): ThreadReport {
  return {
    startHrtimeNs: 0n,
    durationNs: 1e9,
    lateStartNs: 0,
    latenciesNs: new Float64Array(),
    completed: 100,
    issued: 100,
    requests: 100,
    late: 0,
    inTime: 100,
    failures: {},
    firstFailure: null,
    cpuNs: 5e6,
    health: {
      eventLoopUtilization: 0.3,
      eventLoopDelayP99Ns: 0,
      eventLoopGapNs: 11e6,
      gcPauseNs: 1e6,
      gcPauseMaxNs: 1e6,
      ...health,
    },
    ...change,
  }
}

test('several threads: the worst of each figure, CPU time and shares over all', () => {
  const threads = [
    report({ eventLoopUtilization: 0.5 }),
    report({ gcPauseNs: 9e6 }, { cpuNs: 15e6, late: 4, inTime: 98 }),
  ]
  expect(clientHealth(open, threads, pool)).toMatchObject({
    eventLoopUtilization: 0.5,
    gcPauseNs: 9e6,
    cpuNsPerRequest: 100_000,
    lateRatio: 0.02,
    achievedRatio: 0.99,
    connections: 2,
    threads: threads.map(({ health }) => health),
    saturated: false,
    problems: [],
  })
  expect(clientHealth(closed, threads, pool)).toMatchObject({ lateRatio: 0, achievedRatio: null })
})

test('one thread that is never idle saturates a closed loop; an open loop is busy by design', () => {
  const threads = [report(), report({ eventLoopUtilization: 0.95 })]
  expect(clientHealth(closed, threads, pool)).toMatchObject({
    saturated: true,
    problems: ['client_saturated: a load thread was busy for 95 % of the time (limit 90 %)'],
  })
  expect(clientHealth(open, threads, pool).saturated).toBe(false)
})

test.each([
  [10, false],
  [11, true],
])('%i late requests of 100: saturated %s', (late, saturated) => {
  const health = clientHealth(open, [report({}, { late })], pool)
  expect(health).toMatchObject({ lateRatio: late / 100, saturated })
})

test('garbage collection beyond its share saturates; a freeze is a problem of its own', () => {
  expect(clientHealth(closed, [report({ gcPauseNs: 210e6 })], pool).problems).toEqual([
    'client_saturated: garbage collection took 21 % of the time (limit 20 %)',
  ])
  expect(clientHealth(closed, [report({ eventLoopGapNs: 2.5e9 })], pool)).toMatchObject({
    saturated: false,
    problems: ['client_frozen: nothing ran here for 2.5 s, as on a suspended machine'],
  })
})

test('a window without requests has no division by zero', () => {
  const none = report({}, { completed: 0, requests: 0, inTime: 0 })
  expect(clientHealth(open, [none], pool)).toMatchObject({
    lateRatio: 0,
    cpuNsPerRequest: 5e6,
    saturated: false,
  })
})
