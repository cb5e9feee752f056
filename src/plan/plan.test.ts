import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { Load } from '../domain/load.ts'
import { nsPerSecond } from '../domain/world.ts'
import { cutWords, type Made, type ModelPlan, makePlan, nextMeasuringTime, overrunWords } from './plan.ts'

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

/** So many valid repetitions, and the seconds that they took. */
function made(done: number, elapsedSeconds: number, measuringSeconds: number): Made {
  const [elapsedNs, measuringNs] = [elapsedSeconds * nsPerSecond, measuringSeconds * nsPerSecond]
  return { done, valid: done, elapsedNs, measuringNs }
}

test('a roomy budget leaves the asked time as it is, with room for slow requests', () => {
  expect(nextMeasuringTime(modelPlan({ budgetSeconds: 300 }), made(0, 0, 0))).toEqual({
    measurementNs: 2 * nsPerSecond,
    maxMeasurementNs: 8 * nsPerSecond,
    blockNs: nsPerSecond / 2,
    warmupNs: nsPerSecond,
    maxWarmupNs: 4 * nsPerSecond,
  })
})

test('a repetition that took longer than planned shortens those to come, down to a second', () => {
  const plan = modelPlan({ budgetSeconds: 100 })
  const onTime = nextMeasuringTime(plan, made(1, 18, 12))
  const late = nextMeasuringTime(plan, made(1, 35, 29))
  expect(late?.maxMeasurementNs).toBeLessThan(onTime?.maxMeasurementNs ?? 0)
  expect(nextMeasuringTime(plan, made(3, 75, 60))?.measurementNs).toBe(nsPerSecond)
})

test('of the repetitions that the verdict needs none is dropped but where the whole budget cannot hold its shortest form', () => {
  const plan = modelPlan({ budgetSeconds: 100 })
  // Two loads on two sides at 1 s warm-up and 1 s measuring are 8 s, and 5 s overhead were seen.
  expect(nextMeasuringTime(plan, made(3, 87, 72))).not.toBeNull()
  expect(nextMeasuringTime(plan, made(3, 88, 73))).toBeNull()
})

/**
 * How many repetitions are made, each of so long as its shortest form, with 5 s of overhead on each side, and when the last one ends.
 * @param voids the indices of those that are disturbed
 */
function repeated(
  plan: ModelPlan,
  voids: readonly number[] = [],
): { repetitions: number; endSeconds: number; valid: number } {
  const overheadNs = 5 * plan.sides * nsPerSecond
  const windows = plan.loads.length * plan.sides
  for (let done = 0, valid = 0, elapsedNs = 0, measuringNs = 0; ; done++) {
    const wanted = plan.repetitions + (done - valid)
    const now = { done, valid, elapsedNs, measuringNs }
    const time = done < wanted ? nextMeasuringTime({ ...plan, repetitions: wanted }, now) : null
    if (time === null) return { repetitions: done, endSeconds: elapsedNs / nsPerSecond, valid }
    const ownNs = windows * (time.warmupNs + time.measurementNs)
    measuringNs += ownNs
    elapsedNs += ownNs + overheadNs
    if (!voids.includes(done)) valid++
  }
}

test('without a reference the sweep keeps its quarter, whatever the number of repetitions, but for the four that are needed', () => {
  // 9 s each at the least.
  expect(repeated(modelPlan({ budgetSeconds: 90, repetitions: 14 }, 1))).toEqual({
    repetitions: 7,
    endSeconds: 63,
    valid: 7,
  })
  expect(repeated(modelPlan({ budgetSeconds: 90, repetitions: 14, search: false }, 1)).repetitions).toBe(10)
  expect(repeated(modelPlan({ budgetSeconds: 40, repetitions: 14 }, 1)).repetitions).toBe(4)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 20 }), (budgetSeconds, most) => {
      const { repetitions, endSeconds } = repeated(modelPlan({ budgetSeconds, repetitions: most }, 1))
      expect(repetitions).toBeGreaterThan(0)
      if (repetitions > 4) expect(endSeconds).toBeLessThanOrEqual(0.75 * budgetSeconds)
    }),
  )
})

test('beside a reference a look that can be reached has the sweep’s quarter, one that cannot does not', () => {
  const at = (budgetSeconds: number) => repeated(modelPlan({ budgetSeconds, repetitions: 14 }))
  // 18 s each at the least: four end after 72 s, and eight after 144 s.
  expect(at(90)).toMatchObject({ repetitions: 4, endSeconds: 72 })
  expect(at(140)).toMatchObject({ repetitions: 5, endSeconds: 90 })
  expect(at(150)).toMatchObject({ repetitions: 8, endSeconds: 144 })
  expect(at(300).repetitions).toBe(14)
})

test('a repetition that was disturbed is none of those that the verdict needs', () => {
  // Without a reference 9 s each, of which four end after 36 s: the fifth goes into the sweep’s quarter of 46.
  const alone = modelPlan({ budgetSeconds: 46, repetitions: 14 }, 1)
  expect(repeated(alone)).toMatchObject({ repetitions: 4, valid: 4 })
  expect(repeated(alone, [1])).toMatchObject({ repetitions: 5, valid: 4 })
  // 18 s each beside a reference: of nine one may be void, and eight are a look.
  const beside = modelPlan({ budgetSeconds: 165, repetitions: 14 })
  expect(repeated(beside, [2])).toMatchObject({ repetitions: 9, valid: 8 })
  // A machine that disturbs more does not take the sweep's time.
  expect(
    repeated(modelPlan({ budgetSeconds: 100, repetitions: 14 }, 1), [...Array(20).keys()]),
  ).toMatchObject({ repetitions: 8, endSeconds: 72 })
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
        const time = nextMeasuringTime(plan, made(0, 0, 0))
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

test('what was cut, and what the verdict took from the sweep, is said', () => {
  const plan = modelPlan({ budgetSeconds: 40 })
  const long = modelPlan({ budgetSeconds: 40, repetitions: 14 })
  expect(cutWords(long, made(7, 28, 0))).toBe(
    'the time budget allowed 7 of 14 repetitions, beside the quarter of it that is the sweep’s',
  )
  expect(overrunWords(plan, 30.2 * nsPerSecond)).toBeNull()
  expect(overrunWords(plan, 34 * nsPerSecond)).toBe(
    'the gated loads took 4.0 s of the 10.0 s that the sweep keeps of the time budget: the verdict needed their repetitions',
  )
  expect(overrunWords(plan, 60 * nsPerSecond)).toContain('10.0 s of the 10.0 s')
  // Where the quarter is gone as well it has cut nothing.
  expect(cutWords(plan, made(3, 34, 10))).toBe('the time budget allowed 3 of 4 repetitions')
  const gateAlone = modelPlan({ budgetSeconds: 40, search: false })
  expect(cutWords(gateAlone, made(1, 39, 0))).toBe('the time budget allowed 1 of 4 repetitions')
  expect(overrunWords(gateAlone, 60 * nsPerSecond)).toBeNull()
})
