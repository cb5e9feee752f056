import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { chanceOfWorking } from './failures.ts'
import { fieldsOf } from './members.ts'
import { movers } from './movers.ts'
import { loadsFor, type Space } from './space.ts'
import { type Place, placeKey, type SearchState, sameConfiguration } from './state.ts'

/** True where nothing that was measured worked. */
export function isUnanswered({
  points,
}: {
  readonly points: readonly { readonly metrics: unknown }[]
}): boolean {
  return points.every(({ metrics }) => metrics === null)
}

/**
 * Where all that was measured failed: what to ask next, until something answers. Nothing is known of what works, so that each
 * configuration gets one measurement before any gets another, at its lightest load, where only the configuration can be at fault:
 *
 * 1. the committed one, whose first load may have been too much;
 * 2. the smallest that is nowhere as large as what failed: if it was the size, that one is the likeliest to work;
 * 3. the others, those first that differ least from the committed one: what fails for another reason than its size (a batcher that the
 *    backend refuses, a max_batch_size that the model was not made for) may work when it is larger.
 *
 * Then the heavier loads in the same order. null where everything was asked.
 */
export function nextUnanswered({ points, space }: Pick<SearchState, 'points' | 'space'>): Place | null {
  const tried = new Set(points.map(placeKey))
  const works = chanceOfWorking(points)
  const order = (place: Place, index: number): number[] => {
    const { configuration } = place
    const isOwn = sameConfiguration(configuration, space.committed)
    const times = points.filter((point) => sameConfiguration(point.configuration, configuration)).length
    // Before anything has failed, size is nothing to be afraid of.
    const isSmaller = space.members === undefined && points.length > 0 && works(place) > 0
    return [
      isOwn && index === 0 ? 0 : times + 1,
      isSmaller ? 0 : 1,
      isSmaller ? sizeOf(configuration) : differenceOf(configuration, space),
      index,
    ]
  }
  let next: { readonly place: Place; readonly key: readonly number[] } | null = null
  for (const configuration of options(space)) {
    const loads = loadsFor(space, configuration)
    const index = loads.findIndex((load) => !tried.has(placeKey({ configuration, load })))
    const load = loads[index]
    if (load === undefined) continue
    const place = { configuration, load }
    const key = order(place, index)
    if (next === null || isBefore(key, next.key)) next = { place, key }
  }
  return next?.place ?? null
}

/** Where combinations are too many to be listed, those in which one model alone is changed. */
function options({ configurations, committed, members }: Space): readonly Configuration[] {
  if (members === undefined) return configurations
  return [committed, ...movers(members, configurations).flatMap((mover) => mover.variants(committed))]
}

/** What is executed at once at the most. */
export function sizeOf({ instanceCount, maxBatchSize }: VariedFields): number {
  return (instanceCount ?? 1) * Math.max(1, maxBatchSize)
}

function differenceOf(configuration: Configuration, { committed, members }: Space): number {
  const others = (members?.varied ?? []).map((member) =>
    fieldsDifference(fieldsOf(member, configuration), member.committed),
  )
  return others.reduce((sum, each) => sum + each, fieldsDifference(configuration, committed))
}

/** How much of one model is changed: each field once, and as often as it is doubled or halved. */
export function fieldsDifference(one: VariedFields, other: VariedFields): number {
  const rest = (fields: VariedFields) =>
    variedKey({ ...fields, instanceCount: null, maxBatchSize: 0, dynamicBatching: false })
  return (
    doublings(one.instanceCount ?? 1, other.instanceCount ?? 1) +
    doublings(one.maxBatchSize, other.maxBatchSize) +
    Number(one.dynamicBatching !== other.dynamicBatching) +
    Number(rest(one) !== rest(other))
  )
}

function doublings(one: number, other: number): number {
  return one === other ? 0 : Math.max(1, Math.abs(Math.log2(Math.max(1, one) / Math.max(1, other))))
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}
