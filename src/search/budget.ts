import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { countInWords } from '../domain/words.ts'
import { nsPerSecond } from '../domain/world.ts'
import { type Place, type SearchBudget, type SearchState, sameConfiguration } from './state.ts'

/** True where the budget allows this measurement and `reserve` more, each with a configuration to load. */
export function isAffordable(
  state: SearchState,
  place: Pick<Place, 'configuration'>,
  reserve: number,
): boolean {
  return allows(state, costNs(state, place), reserve)
}

/** Measurements that were made, and what may be spent on all. */
interface Spending {
  readonly points: readonly unknown[]
  readonly budget: SearchBudget
}

/** Whether the budget has one measurement left that takes `neededNs`, and `reserve` more. */
export function allows({ points, budget }: Spending, neededNs: number, reserve: number): boolean {
  const { maxMeasurements, timeLeftNs, costNs: cost } = budget
  if (points.length + 1 + reserve > maxMeasurements) return false
  return timeLeftNs === null || neededNs + reserve * (cost.load + cost.measure) <= timeLeftNs
}

/** What a measurement is expected to cost; at least 1, so that a gain can be divided by it. */
export function costNs(state: SearchState, { configuration }: Pick<Place, 'configuration'>): number {
  const { loaded, costNs: cost } = state.budget
  const isLoaded =
    sameConfiguration(loadedOf(state), configuration) ||
    loaded?.includes(configurationKey(configuration)) === true
  return Math.max(1, cost.measure + (isLoaded ? 0 : cost.load))
}

/** A configuration that is loaded: the last one that was measured. */
export function loadedOf({ points, space }: SearchState): Configuration {
  return points.at(-1)?.configuration ?? space.committed
}

/** Any measurement may take so much longer than was expected of it. */
const toldOverrunNs = nsPerSecond / 2

/**
 * Why a search that would go on has to stop, as a clause.
 * @param kept measurements of its budget that are for something else, such as confirming the answer
 */
export function budgetWords({ points, budget }: Spending, kept = 0): string {
  const { maxMeasurements, timeLeftNs } = budget
  const left = Math.max(0, maxMeasurements - points.length)
  if (left <= kept || timeLeftNs === null) {
    const butFor = left === 0 ? '' : `, but for ${left} kept for confirming`
    return `the budget of ${countInWords(maxMeasurements, 'measurement')} is used${butFor}`
  }
  const overrunNs = -timeLeftNs
  if (overrunNs >= toldOverrunNs)
    return `the time is used, and ${(overrunNs / nsPerSecond).toFixed(1)} s more: gated loads, and what has begun, are not cut`
  const beside = kept === 0 ? '' : ' beside those that confirm'
  return `the ${Math.max(0, timeLeftNs / nsPerSecond).toFixed(1)} s left do not allow the next measurement${beside}`
}
