import type { Configuration } from '../../src/domain/configuration.ts'
import type { Landscape } from '../../src/search/replay.ts'
import { meets, score, violation } from '../../src/search/score.ts'
import type { SearchMetrics } from '../../src/search/state.ts'

/**
 * Model Analyzer's quick search, from its documented rules: indices of (max_batch_size, instances) from the lowest corner,
 * a neighbourhood of radius 3, three measured neighbours before a step, one load of 2 × batch × instances each, all ±1
 * neighbours where passing and failing meet. The default is measured first, at its own load. Dynamic batching is
 * always on. `maxMeasurements` is ours: it has no cap. The sweep of loads that follows there is left out: it costs
 * 16 measurements more, and is broken in the release that was studied.
 */
export function hillClimb(
  landscape: Landscape,
  maxMeasurements: number,
  disturb: (metrics: SearchMetrics) => SearchMetrics,
) {
  const { space, objectives, constraints } = landscape
  const batches = [...new Set(space.configurations.map((c) => c.maxBatchSize))].sort((a, b) => a - b)
  const instances = [...new Set(space.configurations.map((c) => c.instanceCount ?? 1))].sort((a, b) => a - b)
  const results = new Map<string, Result>()
  let measurements = 0
  let best: Result | null = null

  const measure = (configuration: Configuration): Result => {
    const load = loadOf(landscape, configuration)
    const exact = landscape.measure(configuration, load)
    measurements++
    const result = { configuration, load, metrics: exact === null ? null : disturb(exact) }
    if (result.metrics !== null && (best === null || compare(result.metrics, best.metrics ?? {}) > 0))
      best = result
    return result
  }
  const compare = (one: SearchMetrics, other: SearchMetrics): number => {
    const [a, b] = [meets(one, constraints), meets(other, constraints)]
    if (a !== b) return a ? 1 : -1
    return a ? score(one, other, objectives) : violation(other, constraints) - violation(one, constraints)
  }
  const at = ([b, k]: Point): Result | null => {
    const key = `${b} ${k}`
    const known = results.get(key)
    if (known !== undefined) return known
    if (measurements >= maxMeasurements) return null
    const result = measure({
      committed: false,
      maxBatchSize: batches[b] ?? 1,
      instanceCount: instances[k] ?? 1,
      dynamicBatching: true,
    })
    results.set(key, result)
    return result
  }

  const start = measure(space.committed)
  let home: Point = [0, 0]
  results.set('0 0', start)
  const visits = new Map<string, number>()
  while (measurements < maxMeasurements) {
    const around = neighbours(home, batches.length, instances.length)
    const homeMetrics = results.get(home.join(' '))?.metrics ?? {}
    const measured: { point: Point; metrics: SearchMetrics }[] = []
    for (const point of around) {
      if (measured.length >= 3) break
      const metrics = at(point)?.metrics
      if (metrics) measured.push({ point, metrics })
    }
    const passing = meets(homeMetrics, constraints)
    const mixed = measured.some(({ metrics }) => meets(metrics, constraints) !== passing)
    const next = mixed
      ? bestAround(home, around, at, compare)
      : stepFrom(home, homeMetrics, measured, landscape, [batches.length, instances.length])
    const key = next.join(' ')
    visits.set(key, (visits.get(key) ?? 0) + 1)
    if (key === home.join(' ') || (visits.get(key) ?? 0) > 2 || at(next)?.metrics == null) break
    home = next
  }
  return { best: best as Result | null, measurements }
}

type Point = readonly [batch: number, instances: number]

interface Result {
  readonly configuration: Configuration
  readonly load: Landscape['space']['loads'][number]
  readonly metrics: SearchMetrics | null
}

function loadOf({ space }: Landscape, { maxBatchSize, instanceCount }: Configuration): Result['load'] {
  const wanted = 2 * maxBatchSize * (instanceCount ?? 1)
  const concurrencyOf = (load: Result['load']): number => (load.mode === 'concurrency' ? load.concurrency : 0)
  const [first, ...others] = space.loads
  if (first === undefined) throw new Error('no loads')
  return others.reduce(
    (best, load) =>
      Math.abs(concurrencyOf(load) - wanted) < Math.abs(concurrencyOf(best) - wanted) ? load : best,
    first,
  )
}

/** In-bounds points within Euclidean distance 3, nearest first. */
function neighbours([b, k]: Point, batchCount: number, instanceCount: number): Point[] {
  const points: Point[] = []
  for (let db = -3; db <= 3; db++) {
    for (let dk = -3; dk <= 3; dk++) {
      const inside = b + db >= 0 && b + db < batchCount && k + dk >= 0 && k + dk < instanceCount
      if (inside && (db !== 0 || dk !== 0) && Math.hypot(db, dk) <= 3) points.push([b + db, k + dk])
    }
  }
  return points.sort((p, q) => Math.hypot(p[0] - b, p[1] - k) - Math.hypot(q[0] - b, q[1] - k))
}

/** Per dimension the mean signed score of the neighbours, as 0 to 3 index steps. */
function stepFrom(
  home: Point,
  homeMetrics: SearchMetrics,
  measured: readonly { point: Point; metrics: SearchMetrics }[],
  { objectives, constraints }: Landscape,
  bounds: Point,
): Point {
  const passing = meets(homeMetrics, constraints)
  const weightOf = (metrics: SearchMetrics): number =>
    passing
      ? score(metrics, homeMetrics, objectives)
      : violation(homeMetrics, constraints) - violation(metrics, constraints)
  const along = (d: 0 | 1): number => {
    const offsets = measured
      .map(({ point, metrics }) => ({ offset: point[d] - home[d], weight: weightOf(metrics) }))
      .filter(({ offset }) => offset !== 0)
    const total = offsets.reduce((sum, { offset }) => sum + Math.abs(offset), 0)
    const v =
      total === 0
        ? 0
        : offsets.reduce((sum, { offset, weight }) => sum + Math.sign(offset) * weight, 0) / total
    const size = [0.09, 0.3, 1].filter((threshold) => Math.abs(v) > threshold).length
    return Math.min(bounds[d] - 1, Math.max(0, home[d] + Math.sign(v) * size))
  }
  return [along(0), along(1)]
}

function bestAround(
  home: Point,
  around: readonly Point[],
  at: (point: Point) => Result | null,
  compare: (a: SearchMetrics, b: SearchMetrics) => number,
): Point {
  let best = home
  for (const point of around.filter(
    ([b, k]) => Math.max(Math.abs(b - home[0]), Math.abs(k - home[1])) === 1,
  )) {
    const metrics = at(point)?.metrics
    if (metrics && compare(metrics, at(best)?.metrics ?? {}) > 0) best = point
  }
  return best
}
