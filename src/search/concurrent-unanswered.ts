import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { type ConcurrentPlace, type ConcurrentState, placeKey } from './concurrent-state.ts'
import { loadsFor, type Space } from './space.ts'
import { sameConfiguration } from './state.ts'
import { fieldsDifference, sizeOf } from './unanswered.ts'

/**
 * Where every combination that was measured failed: what to ask next, until one answers. As with one model (`nextUnanswered`) each
 * gets one measurement before any gets another, at the lightest loads, where only the configurations can be at fault:
 *
 * 1. the committed ones, whose gated loads may have been too much;
 * 2. the smallest of each model: together they take least of what the models share;
 * 3. those in which one model alone is changed, each model in turn, those first that differ least from the committed one: which of the
 *    models is at fault nobody knows;
 * 4. all others, by how far the models are changed together.
 *
 * Then the committed ones at the gated loads that are left. So what differs in one model is found in two measurements more than
 * the models have configurations, and anything in two more than there are combinations. null where everything was asked.
 */
export function nextUnansweredPlace(
  { models, points, gated }: Pick<ConcurrentState, 'models' | 'points' | 'gated'>,
  mostGated: number,
): ConcurrentPlace | null {
  const tried = new Set(points.map(placeKey))
  const lightest = (configuration: Configuration, index: number): Load[] => {
    const space = models[index]?.space
    const [own] = space === undefined ? [] : loadsFor(space, configuration)
    return [own ?? gated[0]?.[index] ?? []].flat()
  }
  const spaces = models.map(({ space }) => space)
  for (const configurations of combinationsOf(spaces)) {
    const place = { configurations, loads: configurations.flatMap(lightest) }
    if (!tried.has(placeKey(place))) return place
  }
  const committed = spaces.map((space) => space.committed)
  const left = gated.slice(0, mostGated).map((loads) => ({ configurations: committed, loads }))
  return left.find((place) => !tried.has(placeKey(place))) ?? null
}

/** All of them, some twice, in the order in which they are asked; made one by one, since they may be millions. */
function* combinationsOf(spaces: readonly Space[]): Generator<Configuration[]> {
  const options = spaces.map(byDifference)
  const at = (ranks: readonly number[]) => ranks.flatMap((rank, index) => options[index]?.[rank] ?? [])
  yield at(options.map(() => 0))
  yield options.flatMap(
    ([committed, ...others]) =>
      others.reduce(
        (least, each) => (least === undefined || sizeOf(each) < sizeOf(least) ? each : least),
        committed,
      ) ?? [],
  )
  const lengths = options.map(({ length }) => length)
  for (let rank = 1; rank < Math.max(...lengths); rank++) {
    for (const [own, length] of lengths.entries())
      if (rank < length) yield at(lengths.map((_, index) => (index === own ? rank : 0)))
  }
  const most = lengths.reduce((sum, length) => sum + length - 1, 0)
  for (let total = 2; total <= most; total++) {
    for (const ranks of ranksOf(lengths, total)) yield at(ranks)
  }
}

/** The committed configuration first; of the others those that take a load. */
function byDifference(space: Space): readonly Configuration[] {
  const { committed, configurations } = space
  const others = configurations.filter(
    (each) => !sameConfiguration(each, committed) && loadsFor(space, each).length > 0,
  )
  const difference = (each: Configuration) => fieldsDifference(each, committed)
  return [committed, ...others.toSorted((a, b) => difference(a) - difference(b))]
}

/** Every way to choose a rank below each length such that they sum up to the total. */
function* ranksOf([length, ...rest]: readonly number[], total: number): Generator<number[]> {
  if (length === undefined) {
    if (total === 0) yield []
    return
  }
  for (let rank = 0; rank < length && rank <= total; rank++) {
    for (const others of ranksOf(rest, total - rank)) yield [rank, ...others]
  }
}
