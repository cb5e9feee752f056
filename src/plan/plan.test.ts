import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { Load } from '../domain/load.ts'
import { nsPerSecond } from '../domain/world.ts'
import { type ModelPlan, makePlan, nextMeasuringTime } from './plan.ts'

interface Options {
  readonly budgetSeconds: number | null
  readonly loads?: number
  readonly repetitions?: number
  readonly search?: boolean
}

function config(options: Options): Config {
  const loads = Array.from(
    { length: options.loads ?? 2 },
    (_, i): Load => ({ mode: 'concurrency', concurrency: 2 ** i }),
  )
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

function modelPlan(options: Options, sides: 1 | 2 = 2): ModelPlan {
  const [model] = makePlan(config(options), ['a'], sides).models
  if (model === undefined) throw new Error('a plan without its model')
  return model
}

test('without a budget each model gets 300 s, a quarter of it kept for the sweep', () => {
  const plan = makePlan(config({ budgetSeconds: null }), ['a', 'b'], 2)
  expect(plan.budgetNs).toBe(600 * nsPerSecond)
  expect(plan.models.map((model) => model.budgetNs)).toEqual([300 * nsPerSecond, 300 * nsPerSecond])
  expect(plan.models[0]?.searchNs).toBe(75 * nsPerSecond)
})

test('a search that is off leaves the whole budget to the gate', () => {
  expect(modelPlan({ budgetSeconds: 100, search: false }).searchNs).toBe(0)
})

test('a roomy budget leaves the asked time as it is, with room for slow requests', () => {
  expect(nextMeasuringTime(modelPlan({ budgetSeconds: 300 }), 0, 0, 0)).toEqual({
    measurementNs: 2 * nsPerSecond,
    maxMeasurementNs: 8 * nsPerSecond,
    blockNs: nsPerSecond / 2,
    warmupNs: nsPerSecond,
    maxWarmupNs: 4 * nsPerSecond,
  })
})

test('a repetition that took longer than planned shortens those to come, down to a second', () => {
  const plan = modelPlan({ budgetSeconds: 100 })
  const onTime = nextMeasuringTime(plan, 1, 18 * nsPerSecond, 12 * nsPerSecond)
  const late = nextMeasuringTime(plan, 1, 35 * nsPerSecond, 29 * nsPerSecond)
  expect(late?.maxMeasurementNs).toBeLessThan(onTime?.maxMeasurementNs ?? 0)
  expect(nextMeasuringTime(plan, 3, 75 * nsPerSecond, 60 * nsPerSecond)?.measurementNs).toBe(nsPerSecond)
})

test('a repetition is dropped only where the whole budget cannot hold its shortest form', () => {
  const plan = modelPlan({ budgetSeconds: 100 })
  // Two loads on two sides at 1 s warm-up and 1 s measuring are 8 s, and 5 s overhead were seen.
  expect(nextMeasuringTime(plan, 3, 87 * nsPerSecond, 72 * nsPerSecond)).not.toBeNull()
  expect(nextMeasuringTime(plan, 3, 88 * nsPerSecond, 73 * nsPerSecond)).toBeNull()
})

test('whatever the budget: the first repetition is measured, for at least a second, in blocks no longer than that', () => {
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
        const plan = modelPlan(options, sides)
        const time = nextMeasuringTime(plan, 0, 0, 0)
        return (
          time !== null &&
          time.measurementNs >= nsPerSecond &&
          time.measurementNs <= plan.measurementNs &&
          time.maxMeasurementNs >= time.measurementNs &&
          time.blockNs <= time.measurementNs &&
          time.maxWarmupNs >= time.warmupNs &&
          time.maxWarmupNs - time.warmupNs <= time.maxMeasurementNs
        )
      },
    ),
  )
})
