import { type MetricTag, metricTags } from '../config/metric-tags.ts'
import type { Problem } from '../domain/error.ts'
import type { MetricName } from '../domain/metric.ts'
import { nearest } from '../domain/nearest.ts'
import { nsPerMs } from '../domain/world.ts'

/** The numbers of a landscape's point, with the metric that each is and what one unit of it is. */
export const recorded = {
  inferences_per_second: { metric: 'inferPerSec', factor: 1 },
  latency_p99_ms: { metric: 'latencyP99Ns', factor: nsPerMs },
  latency_avg_ms: { metric: 'latencyAvgNs', factor: nsPerMs },
  gpu_memory_mb: { metric: 'gpuDeviceMemoryBytes', factor: 1e6 },
} as const satisfies Record<string, { metric: MetricName; factor: number }>

const recordedKeys = Object.keys(recorded) as (keyof typeof recorded)[]

type Numbers = { readonly [Key in keyof typeof recorded]?: number | null | undefined }

/** Of what failed to load the numbers mean nothing, whatever they are. */
export function withoutNumbersWhereFailed(point: unknown): unknown {
  if (typeof point !== 'object' || point === null || !('failed' in point) || point.failed !== true)
    return point
  return Object.fromEntries(Object.entries(point).filter(([key]) => !(key in recorded)))
}

/** The tags of which a point can hold a value. */
export function recordedTags<Tag extends MetricTag>(tags: Readonly<Record<Tag, unknown>>): Tag[] {
  const metrics = Object.values(recorded).map(({ metric }): MetricName => metric)
  return (Object.keys(tags) as Tag[]).filter((tag) => metrics.includes(metricTags[tag]))
}

interface Misspelt {
  readonly key: string
  readonly meant: string
  /** How many points have it. */
  readonly count: number
}

/**
 * Keys of points that are near to a known one which their point lacks. A recording may hold more than a landscape is, so that they
 * are no error; and a `latency_p95_ms` beside a `latency_p99_ms` is meant as it is.
 *
 * @param points as they stand in the file
 */
export function misspeltKeys(points: unknown, known: readonly string[]): Misspelt[] {
  const counts = new Map<string, Misspelt>()
  // Points have the same few keys.
  const meanings = new Map(known.map((key) => [key, undefined as string | undefined]))
  const meaningOf = (key: string): string | undefined => {
    if (!meanings.has(key)) meanings.set(key, nearest(key, known))
    return meanings.get(key)
  }
  for (const point of Array.isArray(points) ? points : []) {
    if (typeof point !== 'object' || point === null) continue
    for (const key of Object.keys(point)) {
      const meant = meaningOf(key)
      if (meant === undefined || meant in point) continue
      if (point.failed === true && meant in recorded) continue
      const { count = 0 } = counts.get(key) ?? {}
      counts.set(key, { key, meant, count: count + 1 })
    }
  }
  return [...counts.values()]
}

export function misspeltNote({ key, meant, count }: Misspelt, all: number): string {
  return `points: ${key} (in ${count} of ${all}) is not read; did you mean ${meant}?`
}

/** What is sought, or limited from either side, and stands in none of the points that did not fail; none where all of them failed. */
export function unrecorded<Tag extends MetricTag>(
  tags: readonly Tag[],
  points: readonly (Numbers & { readonly failed: boolean })[],
): Tag[] {
  const held = heldIn(points)
  if (points.every(({ failed }) => failed)) return []
  return tags.filter((tag) => !held.some((key) => key === keyOf(tag)))
}

/** An objective that no point has a value of: whatever were answered would be as good as anything else. */
export function unrecordedProblem(
  tag: MetricTag,
  points: readonly (Numbers & { readonly failed: boolean })[],
  misspelt: readonly Misspelt[],
): Problem {
  const key = keyOf(tag)
  const held = heldIn(points)
  const holds = held.length === 0 ? 'no number' : held.join(', ')
  const [other] = misspelt.filter(({ meant }) => meant === key)
  const remedy =
    other === undefined
      ? `Record ${key}, or seek what is recorded.`
      : `Points have ${other.key}: did you mean ${key}?`
  return {
    key: `objective.${tag}`,
    message: `is measured by ${key}, which no point of the space holds; they hold ${holds}`,
    remedy,
  }
}

function heldIn(points: readonly (Numbers & { readonly failed: boolean })[]): (keyof typeof recorded)[] {
  return recordedKeys.filter((key) => points.some((point) => !point.failed && point[key] != null))
}

/** Of a point, the key by which the tag is measured. */
export function keyOf(tag: MetricTag): keyof typeof recorded | undefined {
  return recordedKeys.find((key) => recorded[key].metric === metricTags[tag])
}
