import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { nextRepetition, planAttribution } from './attribution.ts'
import type { ModelPlan } from './plan.ts'

const second = 1e9
const loads: Load[] = [
  { mode: 'concurrency', concurrency: 8 },
  { mode: 'concurrency', concurrency: 1 },
]
const plan: ModelPlan = {
  name: 'm',
  loads,
  sides: 2,
  repetitions: 14,
  looks: [4, 8, 14],
  warmupNs: second,
  measurementNs: 2 * second,
  blockNs: 5e8,
  budgetNs: 300 * second,
  searchNs: 75 * second,
}

test('all loads with plenty of time, then the worst alone, then fewer repetitions, then a reason', () => {
  expect(planAttribution(plan, loads, 4, 400 * second)).toMatchObject({
    loads,
    repetitions: 6,
    time: { measurementNs: 2 * second },
  })
  // 4 servers start in 10 s; one load takes 4 × (1 + 1) s at the least.
  expect(planAttribution(plan, loads, 4, 6 * 18 * second)).toMatchObject({
    loads: loads.slice(0, 1),
    repetitions: 6,
    time: { measurementNs: second },
  })
  expect(planAttribution(plan, loads, 4, 4 * 18 * second)).toMatchObject({
    loads: loads.slice(0, 1),
    repetitions: 4,
  })
  expect(planAttribution(plan, loads, 4, 71 * second)).toBe(
    '71 s of the time budget were left, it takes 72 s',
  )
})

test('what is planned fits into the time', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 2000, noNaN: true }),
      fc.integer({ min: 3, max: 8 }),
      fc.integer({ min: 1, max: 2 }),
      (timeS, sides, count) => {
        const planned = planAttribution(plan, loads.slice(0, count), sides, timeS * second)
        if (typeof planned === 'string') return
        const { repetitions, time } = planned
        expect(time.measurementNs).toBeGreaterThanOrEqual(second)
        expect(time.measurementNs).toBeLessThanOrEqual(plan.measurementNs)
        const windows = planned.loads.length * sides
        const all = repetitions * (2.5 * second * sides + windows * (time.warmupNs + time.measurementNs))
        expect(all).toBeLessThanOrEqual(timeS * second * (1 + 1e-9))
      },
    ),
  )
})

test('repetitions end with the time: after three with what there is, before that with a reason', () => {
  expect(nextRepetition(0, 0, -1)).toBe('go')
  expect(nextRepetition(1, 20 * second, 40 * second)).toBe('go')
  expect(nextRepetition(1, 20 * second, 39 * second)).toBe(
    'a repetition took 20 s, 2 more do not fit into the 39 s left',
  )
  expect(nextRepetition(3, 20 * second, 20 * second)).toBe('go')
  expect(nextRepetition(3, 20 * second, 19 * second)).toBe('enough')
})
