import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { nextConcurrentStep } from './concurrent.ts'
import {
  type ConcurrentModel,
  type ConcurrentPlace,
  type ConcurrentPoint,
  placeKey,
} from './concurrent-state.ts'
import type { Space } from './space.ts'

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const loads = [1, 4, 16].map(closed)

/** Instance counts with the batcher and without, one of which is committed. */
function spaceOf(counts: readonly number[], own: number): Space {
  const all = counts.flatMap((instanceCount) =>
    [true, false].map((dynamicBatching): Configuration => {
      return { committed: false, instanceCount, maxBatchSize: 8, dynamicBatching }
    }),
  )
  const configurations = all.map((each, i) => (i === own % all.length ? { ...each, committed: true } : each))
  const [committed] = configurations.filter((each) => each.committed)
  if (committed === undefined) throw new Error('none is committed')
  return { committed, configurations, loads }
}

function modelsOf(spaces: readonly Space[]): ConcurrentModel[] {
  return spaces.map((space, index) => ({
    name: `m${index}`,
    space,
    objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 1 }],
    constraints: [],
    weight: 1 / spaces.length,
  }))
}

function search(
  models: readonly ConcurrentModel[],
  works: (place: ConcurrentPlace) => boolean,
  maxMeasurements: number,
  gated = [models.map(() => closed(4)), models.map(() => closed(8))],
) {
  const points: ConcurrentPoint[] = []
  for (;;) {
    const budget = { maxMeasurements, timeLeftNs: null, costNs: { load: 1, measure: 1 } }
    const step = nextConcurrentStep({ models, gated, points, budget })
    const answered = points.findIndex(({ metrics }) => metrics !== null) + 1
    if (step.kind === 'done') return { ...step, points, answered: answered === 0 ? null : answered }
    const metrics = step.place.configurations.map(({ instanceCount }) => ({
      inferPerSec: instanceCount ?? 1,
    }))
    points.push({ ...step.place, metrics: works(step.place) ? metrics : null })
  }
}

const isSame = (one: readonly Configuration[], other: readonly Configuration[]) =>
  one.map(configurationKey).join() === other.map(configurationKey).join()

const committedOf = (models: readonly ConcurrentModel[]) => models.map(({ space }) => space.committed)
const two = modelsOf([spaceOf([1, 2, 4], 2), spaceOf([1, 2, 4], 2)])

describe('where the committed combination fails', () => {
  test('first its lightest loads, then the smallest of each, then what differs least in one model', () => {
    const { points, reason } = search(two, () => false, 6)
    const of = ({ configurations, loads: own }: ConcurrentPoint) => [
      ...configurations.map(
        ({ instanceCount, dynamicBatching }) => `${instanceCount}${dynamicBatching ? ' batched' : ''}`,
      ),
      own.map((load) => (load.mode === 'concurrency' ? load.concurrency : 0)).join(),
    ]
    expect(points.map(of)).toEqual([
      ['2 batched', '2 batched', '4,4'],
      ['2 batched', '2 batched', '1,1'],
      ['1 batched', '1 batched', '1,1'],
      ['1 batched', '2 batched', '1,1'],
      ['2 batched', '1 batched', '1,1'],
      ['2', '2 batched', '1,1'],
    ])
    expect(reason).toBe('the budget of 6 measurements is used')
  })

  test('loads that were too much for it do not end its part: it is the answer at lighter ones', () => {
    const { answer } = search(
      two,
      ({ loads: [first] }) => first?.mode === 'concurrency' && first.concurrency < 4,
      20,
    )
    expect(answer?.committed).not.toBeNull()
  })

  test('what works is gone on from, and the committed ones are not asked again', () => {
    const isWorking = ({ configurations }: ConcurrentPlace) =>
      configurations.every(({ dynamicBatching }, index) => index > 0 || !dynamicBatching)
    const { answer, points } = search(two, isWorking, 40)
    expect(answer).toMatchObject({ committed: null, gain: null, tie: false, meetsConstraints: true })
    expect(answer?.configurations.map(({ instanceCount }) => instanceCount)).toEqual([4, 4])
    const own = points.filter(({ configurations }) => isSame(configurations, committedOf(two)))
    expect(own).toHaveLength(2)
  })

  test('once in a while: the next gated loads of it are measured all the same', () => {
    const gated = [two.map(() => closed(1)), two.map(() => closed(8))]
    const failing = placeKey({ configurations: committedOf(two), loads: gated[0] ?? [] })
    const { answer, answered } = search(two, (place) => placeKey(place) !== failing, 40, gated)
    expect(answered).toBe(2)
    expect(answer?.committed).not.toBeNull()
  })

  test('where nothing answers it ends, having tried each combination once, and says so', () => {
    const { answer, points, reason } = search(two, () => false, 1000)
    expect(answer).toBeNull()
    expect(new Set(points.map(placeKey)).size).toBe(points.length)
    // The committed ones at two gated loads beside the lightest ones.
    expect(points).toHaveLength(6 * 6 + 2)
    expect(reason).toBe('no combination is left to be tried, and nothing has answered')
  })
})

const spaces = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }), fc.nat(5))
  .map(([counts, own]) => spaceOf(counts, own))

test('wherever a combination works, one is found in two measurements more than there are combinations; where it differs in one model, than the models have configurations', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(spaces, fc.nat(5)), { minLength: 2, maxLength: 3 }),
      fc.option(fc.nat(2)),
      (parts, changed) => {
        const models = modelsOf(parts.map(([space]) => space))
        const only = parts.map(([{ configurations, committed }, at], index) => {
          const own = configurations[at % configurations.length] ?? committed
          return changed === null || changed === index ? own : committed
        })
        const sizes = parts.map(([{ configurations }]) => configurations.length)
        const bound =
          changed === null
            ? sizes.reduce((product, size) => product * size, 1)
            : sizes.reduce((sum, size) => sum + size - 1, 1)
        const { answer } = search(models, ({ configurations }) => isSame(configurations, only), bound + 2)
        expect(answer).not.toBeNull()
        expect(isSame(answer?.configurations ?? [], only)).toBe(true)
      },
    ),
    { numRuns: 150 },
  )
})

test('of models with thousands of combinations each step is made at once', () => {
  const counts = Array.from({ length: 60 }, (_, i) => i + 1)
  const many = modelsOf([spaceOf(counts, 0), spaceOf(counts, 0), spaceOf(counts, 0)])
  const { points } = search(many, () => false, 60)
  expect(new Set(points.map(placeKey)).size).toBe(60)
})
