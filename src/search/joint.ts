import { type ComposingModel, timePerRequestNs } from '../domain/composing.ts'
import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { inferencesOf, type Load, loadKey } from '../domain/load.ts'
import { betterInWords } from '../domain/words.ts'
import { holds, rank } from './answer.ts'
import { budgetWords, isAffordable, loadedOf } from './budget.ts'
import { type Candidate, candidatesOf } from './candidates.ts'
import { isAsLoaded, lastingFailures } from './failures.ts'
import { type Forecast, forecaster, meeting } from './forecast.ts'
import type { Members } from './members.ts'
import { fitsMemory } from './memory.ts'
import { atLeast, type Mover, movers, neighbours } from './movers.ts'
import { beginning, committedLoads, ending, mayExplore, measure, reserveOf, untilAnswered } from './quick.ts'
import { loadsFor } from './space.ts'
import { type Place, placeKey, type SearchState, type Step, sameConfiguration } from './state.ts'
import { foresee } from './stations.ts'
import { isUnanswered } from './unanswered.ts'

/** A foretold gain below which another measurement is not worth its time, as in the quick search. */
const leastGain = 0.01
/** Loads further from the best one are for later: what is found there is a step on the way. */
const nearOctaves = 2
/** What twice the room in one of the models is worth on the way to a change of several. */
const gainPerHeadroom = 0.1
/** A model that takes less than this share of a request's time is not doubted. */
const leastShare = 0.1

/**
 * The next measurement of the quick search where several models are varied together, or its answer. Their combinations are too many
 * to be listed, so it goes from the best that was measured: ModelStatistics tell which model makes requests wait, how full
 * its batches are and how long they take, and a queueing network of the models (stations.ts) foretells what more instances, other
 * batches and other loads bring. Whatever promises most for what it costs is measured, and the network fitted again. Where it
 * foretells nothing more, the models that take most of the time are doubted: one step of instances, the batcher the other way.
 */
export function nextJointStep(state: SearchState, members: Members): Step {
  if (state.points.length === 0) return beginning(state)
  if (isUnanswered(state)) return untilAnswered(state)
  const reserve = reserveOf(state)
  const goesOn = mayExplore(state, reserve)
  const place = goesOn ? nextPlace(state, members) : null
  if (place !== null && isAffordable(state, place, reserve)) return measure(place, 'explore', place.why)
  const isExplored = goesOn && place === null
  const reason = isExplored ? 'nothing that is left is expected to be better' : budgetWords(state, reserve)
  return ending(state, [], reason)
}

interface Proposal extends Place {
  readonly why: string
}

function nextPlace(state: SearchState, members: Members): Proposal | null {
  const { points, space } = state
  const [best] = rank(state)
  if (best === undefined) return null
  const admits = admission(state, members)
  const foresight = foresee(members, points, best)
  if (foresight !== null) {
    const forecast = forecaster(state, members, best, foresight)
    const isOwn = ({ configuration }: Place) => sameConfiguration(configuration, space.committed)
    const own = loadsFor(space, space.committed).map((load) => ({ configuration: space.committed, load }))
    const share =
      points.filter(isOwn).length < committedLoads
        ? mostWorth(
            state,
            best,
            own.filter(admits).map((place) => ({ ...place, ...forecast(place) })),
          )
        : null
    const found = share ?? mostWorth(state, best, routes(state, members, best, forecast).filter(admits))
    if (found !== null) return found
  }
  return doubts(state, members, best).find(admits) ?? null
}

/**
 * From the best on: other loads of it, each single change of one model at every load, and what the best such change leaves to
 * be changed in the next model, as often as there are models, since of two models that are both full one alone helps little.
 */
function routes(
  { space }: SearchState,
  members: Members,
  best: Candidate,
  forecast: (place: Place) => Forecast,
): Foretold[] {
  const isNear = (load: Load) =>
    Math.abs(Math.log2(inferencesOf(load) / inferencesOf(best.load))) <= nearOctaves
  const at = (configuration: Configuration): Foretold[] =>
    loadsFor(space, configuration)
      .filter(isNear)
      .map((load) => ({ configuration, load, ...forecast({ configuration, load }) }))
  const places = at(best.configuration)
  let from = best.configuration
  let most = promise(forecast(best))
  let left = movers(members, space.configurations)
  while (left.length > 0) {
    let top: { readonly place: Place; readonly mover: Mover } | null = null
    for (const mover of left) {
      for (const place of mover.variants(from).flatMap(at)) {
        places.push(place)
        if (promise(place) <= most) continue
        most = promise(place)
        top = { place, mover }
      }
    }
    if (top === null) break
    const { place, mover } = top
    from = place.configuration
    left = left.filter((each) => each !== mover)
  }
  return places
}

interface Foretold extends Place, Forecast {}

/** Where two models are full neither change alone gains anything: the room that it makes says which is on the way. */
function promise({ gain, headroom }: Forecast): number {
  return gain + gainPerHeadroom * headroom
}

function mostWorth(state: SearchState, best: Candidate, places: readonly Foretold[]): Proposal | null {
  const loaded = loadedOf(state)
  let top: { readonly place: Foretold; readonly worth: number } | null = null
  for (const place of places) {
    if (place.gain < leastGain) continue
    const worth = place.gain / stepCost(state, loaded, place.configuration)
    if (worth > (top?.worth ?? 0)) top = { place, worth }
  }
  if (top === null) return null
  const { configuration, load, gain } = top.place
  return { configuration, load, why: gainWords(gain, holds(best, state.constraints)) }
}

/** Loading takes its time for each model that changes. */
function stepCost({ budget: { costNs } }: SearchState, loaded: Configuration, next: Configuration): number {
  const names = new Set([...Object.keys(loaded.others ?? {}), ...Object.keys(next.others ?? {})])
  const keyOf = (fields: VariedFields | undefined) => (fields === undefined ? '' : variedKey(fields))
  const changed = [...names].filter((name) => keyOf(loaded.others?.[name]) !== keyOf(next.others?.[name]))
  const isSame = sameConfiguration(loaded, next)
  return Math.max(1, costNs.measure + (isSame ? 0 : costNs.load * Math.max(1, changed.length)))
}

/** A score has a mean of both sides below its line, and ends at 2, where the other side is nothing. */
const mostScore = 1.99

function gainWords(gain: number, isHolding: boolean): string {
  if (gain >= meeting) return 'expected to meet the constraints'
  return !isHolding
    ? 'expected to come nearer to the constraints'
    : `expected to be ${betterInWords((2 * gain) / (2 - Math.min(gain, mostScore)))}`
}

/** What may be measured: it is new, it is not at least as large as what failed, and it fits the GPUs. */
function admission({ points, space }: SearchState, members: Members): (place: Place) => boolean {
  const tried = new Set(points.map(placeKey))
  const fits = fitsMemory(points, space)
  const working = points.filter(({ metrics }) => metrics !== null)
  const lasting = lastingFailures(
    points.filter(({ metrics }) => metrics === null),
    working,
  )
  // What is as large and works tells that it was not the size.
  const failed = lasting.filter(
    (point) =>
      !working.some(
        ({ configuration }) =>
          !sameConfiguration(configuration, point.configuration) &&
          atLeast(members, configuration, point.configuration),
      ),
  )
  const works = (configuration: Configuration) =>
    points.some((point) => point.metrics !== null && sameConfiguration(point.configuration, configuration))
  const refusing = failed.map((point) => ({ ...point, overloaded: works(point.configuration) }))
  return (place) =>
    !tried.has(placeKey(place)) &&
    fits(place.configuration) &&
    !lasting.some((point) => isAsLoaded(place, point)) &&
    !refusing.some((point) => {
      if (point.overloaded && inferencesOf(place.load) < inferencesOf(point.load)) return false
      return atLeast(members, place.configuration, point.configuration)
    })
}

/**
 * What a wrong network would hide, at the best load: the loads beside it; and of each model that takes a good part of the time,
 * most first, the next larger and smaller instance count, and the batcher turned the other way.
 */
function doubts(state: SearchState, members: Members, best: Candidate): Proposal[] {
  const { space, points } = state
  const rows = points.findLast((point) => placeKey(point) === placeKey(best))?.composing ?? []
  const loads = loadsFor(space, best.configuration)
  const index = loads.findIndex((load) => loadKey(load) === loadKey(best.load))
  const beside = [loads[index + 1], loads[index - 1]].flatMap((load) =>
    load === undefined ? [] : [{ configuration: best.configuration, load, why: 'a load beside the best' }],
  )
  const shares = sharesOf(rows)
  const doubted = movers(members, space.configurations)
    .filter(({ name }) => (shares.get(name) ?? 1) >= leastShare)
    .toSorted((a, b) => (shares.get(b.name) ?? 1) - (shares.get(a.name) ?? 1))
    .flatMap((mover) =>
      neighbours(mover, best.configuration).map((configuration) => ({
        configuration,
        load: best.load,
        why: `${mover.name} takes most of the time`,
      })),
    )
    .filter((place) =>
      loadsFor(space, place.configuration).some((load) => loadKey(load) === loadKey(place.load)),
    )
  // Below the limits a lighter load answers what a heavier one cannot.
  return [...(candidatesOf(points).length > 1 ? beside : beside.toReversed()), ...doubted]
}

/** Each model's share of a request's time in all of them. */
function sharesOf(rows: readonly ComposingModel[]): Map<string, number> {
  const times = rows.map((row) => [row.model, timePerRequestNs(row) ?? 0] as const)
  const total = times.reduce((sum, [, ns]) => sum + ns, 0)
  return new Map(total === 0 ? [] : times.map(([model, ns]) => [model, ns / total]))
}
