import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { Load } from '../domain/load.ts'
import { nsPerSecond } from '../domain/world.ts'
import { makePlan } from './plan.ts'

function config(options: { budgetSeconds: number | null; loads?: number; repetitions?: number; search?: boolean }): Config {
  const loads = Array.from({ length: options.loads ?? 2 }, (_, i): Load => ({ mode: 'concurrency', concurrency: 2 ** i }))
  return {
    gate: {
      repetitions: options.repetitions ?? 4,
      warmupNs: nsPerSecond,
      measurementNs: 2 * nsPerSecond,
      blockNs: nsPerSecond / 2,
      timeBudgetNs: options.budgetSeconds === null ? null : options.budgetSeconds * nsPerSecond,
      seed: 1,
    },
    settingsFor: () => ({ loads, search: { mode: options.search === false ? 'off' : 'quick' } }),
  } as unknown as Config
}

test('without a budget each model gets 300 s, a quarter of it kept for the sweep', () => {
  const plan = makePlan(config({ budgetSeconds: null }), ['a', 'b'], 2)
  expect(plan.budgetNs).toBe(600 * nsPerSecond)
  expect(plan.models.map((model) => model.budgetNs)).toEqual([300 * nsPerSecond, 300 * nsPerSecond])
  expect(plan.models[0]?.searchNs).toBe(75 * nsPerSecond)
})

test('a roomy budget leaves the asked repetitions and measuring time as they are', () => {
  const [model] = makePlan(config({ budgetSeconds: 300 }), ['a'], 2).models
  expect(model).toMatchObject({ repetitions: 4, measurementNs: 2 * nsPerSecond })
  expect(model?.maxMeasurementNs).toBeGreaterThan(2 * nsPerSecond)
})

test('a tight budget shortens the measuring before it drops a repetition', () => {
  const [tight] = makePlan(config({ budgetSeconds: 75 }), ['a'], 2).models
  expect(tight?.repetitions).toBe(4)
  expect(tight?.measurementNs).toBeLessThan(2 * nsPerSecond)
  const [tighter] = makePlan(config({ budgetSeconds: 40 }), ['a'], 2).models
  expect(tighter?.repetitions).toBeLessThan(4)
})

test('a search that is off leaves the whole budget to the gate', () => {
  expect(makePlan(config({ budgetSeconds: 100, search: false }), ['a'], 1).models[0]?.searchNs).toBe(0)
})

test('whatever the budget: at least one repetition of at least a second, blocks no longer than the measurement', () => {
  fc.assert(
    fc.property(
      fc.record({
        budgetSeconds: fc.integer({ min: 1, max: 1000 }),
        loads: fc.integer({ min: 1, max: 8 }),
        repetitions: fc.integer({ min: 1, max: 20 }),
        search: fc.boolean(),
      }),
      fc.constantFrom(1 as const, 2 as const),
      (options, sides) => {
        const [model] = makePlan(config(options), ['a'], sides).models
        if (model === undefined) return false
        return (
          model.repetitions >= 1 &&
          model.repetitions <= options.repetitions &&
          model.measurementNs >= nsPerSecond &&
          model.maxMeasurementNs >= model.measurementNs &&
          model.blockNs <= model.measurementNs &&
          model.searchNs <= model.budgetNs
        )
      },
    ),
  )
})
