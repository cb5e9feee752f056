import { isCleared, isPromising } from '../../src/compare/screen.ts'
import type { HistoryPoint } from '../../src/domain/measurements.ts'
import type { Scenario } from '../../src/domain/scenario.ts'
import { createRandom } from '../../src/stats/random.ts'
import {
  concurrency8,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../support/make-measurements.ts'
import { histories } from './histories.ts'
import type { Noise } from './noise.ts'

// Candidates that are measured alone and judged by the main branch's history: what is cleared.

export interface ScreeningScene {
  readonly noise: Noise
  /** Runs of the main branch. */
  readonly runs: number
  /** Standard deviation of a run. */
  readonly sd: number
  /** The candidate's true change for the worse, of p99 alone or of throughput as well. */
  readonly ratio: number
  readonly both: boolean
}

/** Share of candidates that are cleared where it is tried, and the share of histories in which it is tried. */
export function simulateScreening(
  { noise, runs, sd, ratio, both }: ScreeningScene,
  { candidates, seed }: { readonly candidates: number; readonly seed: number },
): { readonly tried: number; readonly cleared: number } {
  const random = createRandom(seed)
  const config = makeConfig()
  let [tried, cleared] = [0, 0]
  for (let each = 0; each < candidates; each++) {
    const [latency, rate] = [histories[noise](random), histories[noise](random)]
    // Each run's own repetitions scatter by as much again.
    const scenario = (p99: number, throughput: number): Scenario =>
      makeScenario(
        Array.from({ length: 4 }, (_, index) =>
          makeRepetition(index, {
            latencyP99Ns: p99 * Math.exp(sd * random.normal()),
            inferPerSec: throughput * Math.exp(sd * random.normal()),
          }),
        ),
      )
    const history = Array.from({ length: runs }, (_, index): HistoryPoint[] => [
      makePoint({ commit: `c${index}`, value: 40e6 * Math.exp(sd * latency()) }),
      makePoint({ commit: `c${index}`, metric: 'inferPerSec', value: 300 * Math.exp(-sd * rate()) }),
    ]).flat()
    const [p99, throughput] = history.slice(-2).map(({ value }) => value) as [number, number]
    const baseline = makeBaseline([makeModel('m', [scenario(p99, throughput)])], { history })
    if (!isPromising(baseline, config, { name: 'm', loads: [concurrency8] }, 4)) continue
    tried++
    const candidate = scenario(
      40e6 * ratio * Math.exp(sd * latency()),
      (300 / (both ? ratio : 1)) * Math.exp(-sd * rate()),
    )
    const found = { status: 'found', source: 'simulation', commit: null, createdAt: '' } as const
    const measurements = makeMeasurements([makeModel('m', [candidate], { screening: 'cleared' })], [])
    if (isCleared({ measurements, baseline, baselineStatus: found, config, mode: 'gate' })) cleared++
  }
  return { tried: tried / candidates, cleared: tried === 0 ? 0 : cleared / tried }
}
