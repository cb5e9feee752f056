import type { ModelSettings } from '../config/config.ts'
import { configurationKey } from '../domain/configuration.ts'
import type { SearchSummary, SweepProgress } from '../domain/sweep.ts'
import { countInWords } from '../domain/words.ts'
import { type Members, mostCombinations } from '../search/members.ts'
import { fitsMemory } from '../search/memory.ts'
import { type Space, sizeOf } from '../search/space.ts'
import type { FinishedSweep } from './sweep-loop.ts'

/** What a sweep took after its last measurement: loading the answer as a user's server would, and stopping its servers. */
interface After {
  readonly verifyNs: number
  readonly stopNs: number
}

/** Where the time of a sweep went. */
export function timesOf(
  { spentNs, startingNs = 0, loadingNs, underLoadNs = 0 }: SweepProgress,
  { verifyNs, stopNs }: After,
): Pick<SearchSummary, 'wallNs' | 'underLoadNs' | 'phases'> {
  return {
    wallNs: spentNs + verifyNs + stopNs,
    underLoadNs,
    phases: {
      startNs: startingNs,
      loadNs: loadingNs + verifyNs,
      stopNs,
      otherNs: Math.max(0, spentNs - startingNs - loadingNs - underLoadNs),
    },
  }
}

const servingWords = {
  online: 'mode online: requests of one inference, where nothing else is listed',
  offline: 'mode offline: requests are batches, where nothing else is listed',
} as const

/** @param limits of the space on which the answer lies, a clause each */
export function summarize(
  { search }: Pick<ModelSettings, 'search'>,
  space: Space,
  { progress, done }: FinishedSweep,
  after: After,
  limits: readonly string[],
): SearchSummary {
  const { points } = progress
  const tried = new Set(points.map((point) => configurationKey(point.configuration))).size
  const fits = fitsMemory(points, space)
  const tooLarge = space.configurations.filter((configuration) => !fits(configuration)).length
  const { members } = space
  const bisected = points.filter(({ purpose }) => purpose === 'capacity').length
  return {
    mode: search.mode,
    measurements: points.length - bisected,
    stopped: done.reason,
    ...timesOf(progress, after),
    notes: [
      `${tried} of ${sizeOf(space)} configurations were tried`,
      ...(members === undefined ? [] : [`varied together: ${namesOf(members).join(', ')}`]),
      ...(members === undefined || space.configurations.length < mostCombinations
        ? []
        : [`only the first ${mostCombinations} combinations are looked at in order`]),
      ...(tooLarge === 0
        ? []
        : [
            `${countInWords(tooLarge, 'configuration')} not tried, since predicted to need more GPU memory than there is`,
          ]),
      ...limits,
      ...(bisected === 0 ? [] : [`${countInWords(bisected, 'more measurement')} bisected for the capacity`]),
      ...(search.serving === null ? [] : [servingWords[search.serving]]),
    ],
    answer: done.answer,
  }
}

/** The models that have more than one configuration to be tried. */
function namesOf({ varied }: Members): string[] {
  return varied.filter(({ variants }) => variants.length > 1).map(({ name }) => name)
}
