import { expect, test } from 'vitest'
import { Phases } from './phases.ts'
import type { WindowOptions } from './protocol.ts'

function phasesOf(options: Partial<WindowOptions>) {
  const calls: string[] = []
  const phases = new Phases(
    100,
    { leadInNs: 50, durationNs: 1000, ...options },
    () => calls.push('open'),
    () => calls.push('close'),
  )
  return { phases, calls }
}

test('lead-in, window and lead-out by the clock; the window is half-open and opens and closes once', () => {
  const { phases, calls } = phasesOf({})
  expect([100, 149, 150, 1149].map((at) => phases.at(at))).toEqual(['leadIn', 'leadIn', 'window', 'window'])
  expect(phases.endNs).toBeNull()
  expect([1150, 9999].map((at) => phases.at(at))).toEqual(['leadOut', 'leadOut'])
  expect(phases.endNs).toBe(1150)
  expect(calls).toEqual(['open', 'close'])
  expect([149, 150, 1149, 1150].map((at) => phases.includes(at))).toEqual([false, true, true, false])
})

test('a first event long after the end opens and closes it at its planned times', () => {
  const { phases, calls } = phasesOf({})
  expect(phases.at(5000)).toBe('leadOut')
  expect([phases.startNs, phases.endNs]).toEqual([150, 1150])
  expect(calls).toEqual(['open', 'close'])
})

test('an open-loop request due inside a closed window belongs to it', () => {
  const { phases } = phasesOf({})
  phases.at(2000)
  expect(phases.at(1149)).toBe('window')
})

test('prolonged until enough requests; the event after the last of them ends it', () => {
  const { phases } = phasesOf({ minRequests: 2, maxDurationNs: 9000 })
  phases.countRequest(500)
  expect(phases.at(2000)).toBe('window')
  phases.countRequest(2000)
  expect(phases.at(2300)).toBe('leadOut')
  expect(phases.endNs).toBe(2300)
})

test('not prolonged where there were enough requests in time', () => {
  const { phases } = phasesOf({ minRequests: 2, maxDurationNs: 9000 })
  phases.countRequest(500)
  phases.countRequest(1000)
  phases.at(1400)
  expect(phases.endNs).toBe(1150)
})

test('prolonged to the limit at most, and not at all without one', () => {
  const limited = phasesOf({ minRequests: 2, maxDurationNs: 3000 }).phases
  expect(limited.at(3149)).toBe('window')
  limited.at(7000)
  expect(limited.endNs).toBe(3150)
  const plain = phasesOf({ minRequests: 2 }).phases
  plain.at(7000)
  expect(plain.endNs).toBe(1150)
})

test('a number of requests: from the first one sent to the last end, whatever the times say', () => {
  const { phases, calls } = phasesOf({ requestCount: 2 })
  expect(phases.at(120)).toBe('window')
  phases.countRequest(130)
  phases.countRequest(140)
  expect(phases.at(99_999)).toBe('window')
  expect(phases.endNs).toBeNull()
  phases.finish(99_000)
  phases.finish(99_500)
  expect([phases.startNs, phases.endNs]).toEqual([130, 99_000])
  expect(calls).toEqual(['open', 'close'])
})
