import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configurationKey } from '../../src/domain/configuration.ts'
import { loadKey } from '../../src/domain/load.ts'
import { type Landscape, replay } from '../../src/search/replay.ts'
import type { SearchMetrics } from '../../src/search/state.ts'
import { hillClimb } from '../support/hill-climb.ts'
import { type Family, families, landscape } from '../support/landscapes.ts'
import { bars, judgedBudget, medianOf, quickWorths, scenesOf, worth } from '../support/search-worth.ts'

/** The search was tuned on seeds below 400; these four served no tuning, and keep the test short. docs/search-quality.md has a hundred. */
const heldOut = [401, 402, 403, 404]
const names = Object.keys(families) as Family[]
const scenes: readonly Landscape[] = names.flatMap((family) => scenesOf(family, heldOut))

test.each(bars)(
  'within 15 measurements at noise $noise: median ≥ $least of the constrained optimum, none or hardly one below $worst',
  ({ noise, least, worst }) => {
    const found = quickWorths(scenes, noise)
    console.info(
      `quick, noise ${noise}: median ${medianOf(found).toFixed(3)}, from the worst ${found
        .slice(0, 4)
        .map((share) => share.toFixed(3))
        .join(' ')} of ${found.length}`,
    )
    expect(found.length).toBeGreaterThan(50)
    expect(medianOf(found)).toBeGreaterThanOrEqual(least)
    // Under noise what lies on its limit may be measured as missing it.
    expect(found.filter((share) => share < worst).length).toBeLessThanOrEqual(noise === 0 ? 0 : 1)
    // Above 0: no answer violates a constraint beyond the noise.
    expect(found[0]).toBeGreaterThan(0)
  },
)

test('it beats the hill climb at equal cost', () => {
  const ours = quickWorths(scenes, 0)
  const theirs = scenes
    .map((scene) => worth(scene, hillClimb(scene, judgedBudget, (metrics: SearchMetrics) => metrics).best, 0))
    .sort((a, b) => a - b)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  console.info(
    `mean share: quick ${mean(ours).toFixed(3)}, hill climb ${mean(theirs).toFixed(3)}; medians ${medianOf(ours).toFixed(3)}, ${medianOf(theirs).toFixed(3)}`,
  )
  expect(mean(ours)).toBeGreaterThan(mean(theirs) + 0.1)
  expect(medianOf(ours)).toBeGreaterThan(medianOf(theirs))
})

test('where all configurations are alike few searches at 3 % noise name another than the committed one', () => {
  const alike = (['saturating', 'powerLaw'] as const)
    .flatMap((family) => Array.from({ length: 20 }, (_, i) => landscape(family, 401 + i)))
    .map(
      (scene): Landscape => ({ ...scene, measure: (_, load) => scene.measure(scene.space.committed, load) }),
    )
  const named = alike.filter((scene, seed) => {
    const { answer } = replay('quick', scene, { maxMeasurements: judgedBudget, noise: 0.03, seed })
    return answer?.meetsConstraints === true && !answer.configuration.committed
  })
  console.info(`alike, noise 0.03: ${named.length} of ${alike.length} name another one`)
  // Mostly where a heavier load of the committed one was measured as missing the limit, and the other's was not.
  expect(named.length).toBeLessThanOrEqual(4)
})

test('every search keeps its budget, stays in the space, begins with the committed configuration and repeats itself', () => {
  const arbitrary = fc.record({
    family: fc.constantFrom(...names),
    seed: fc.integer({ min: 1000, max: 9999 }),
    mode: fc.constantFrom('quick', 'brute', 'manual'),
    maxMeasurements: fc.integer({ min: 1, max: 12 }),
    noise: fc.constantFrom(0, 0.05, 0.3),
    timeBudgetNs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: null }),
  } as const)
  fc.assert(
    fc.property(arbitrary, ({ family, seed, mode, maxMeasurements, noise, timeBudgetNs }) => {
      const scene = landscape(family, seed)
      const options = {
        maxMeasurements,
        noise,
        seed,
        costNs: { load: 3, measure: 1 },
        ...(timeBudgetNs === null ? {} : { timeBudgetNs }),
      }
      const { points, answer, reason, spentNs } = replay(mode, scene, options)
      expect(points.length).toBeLessThanOrEqual(maxMeasurements)
      if (timeBudgetNs !== null) expect(spentNs).toBeLessThanOrEqual(timeBudgetNs)
      expect(reason).not.toBe('')
      const configurations = new Set(scene.space.configurations.map(configurationKey))
      const loads = new Set(scene.space.loads.map(loadKey))
      for (const point of points) {
        expect(configurations).toContain(configurationKey(point.configuration))
        expect(loads).toContain(loadKey(point.load))
      }
      if (points[0] !== undefined) expect(points[0].configuration.committed).toBe(true)
      expect(answer === null).toBe(points.every(({ metrics }) => metrics === null))
      expect(replay(mode, scene, options)).toEqual({ points, answer, reason, spentNs })
    }),
    { numRuns: 40, seed: 20_260 },
  )
})
