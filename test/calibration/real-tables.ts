import { binomialCdf } from '../../src/stats/special.ts'
import type { RealDecision } from './real.ts'
import { table } from './words.ts'

/** Up to the first spread of a pair a planted change has to be found; the others say how the gate fares on worse machines. */
const sdSteps = [0.05, 0.1, 0.2, Number.POSITIVE_INFINITY]

const count = (decisions: readonly RealDecision[], outcome: RealDecision['outcome']) =>
  decisions.filter((decision) => decision.outcome === outcome).length

const noisiestSd = ({ comparisons }: RealDecision) => Math.max(...comparisons.map(({ sd }) => sd))

function middle(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.floor(sorted.length / 2)]
  return value === undefined ? '–' : `${(100 * value).toFixed(1)} %`
}

/** How noisy throughput is where latency is so noisy, in one sentence: the median of both spreads' ratios. */
export function throughputBesideLatency(decisions: readonly RealDecision[]): string {
  const ratios = decisions.flatMap(({ comparisons }) => {
    const [rate, latency] = [true, false].map((isThroughput) =>
      comparisons.find(({ metric }) => (metric === 'inferPerSec') === isThroughput),
    )
    return rate === undefined || latency === undefined ? [] : [rate.sd / latency.sd]
  })
  return `In ${ratios.length} decisions on a real server (below) throughput spread ${middle(ratios)} as far as latency (median).`
}

function groups(decisions: readonly RealDecision[]): [string, RealDecision[]][] {
  const byName = new Map<string, RealDecision[]>()
  for (const decision of decisions) {
    const name = `${decision.model}, ${decision.background ? 'a busy loop beside it' : 'nothing of ours beside it'}`
    byName.set(name, [...(byName.get(name) ?? []), decision])
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The same model on both sides: what the gate said. */
export function unchangedTable(decisions: readonly RealDecision[]): string {
  const unchanged = decisions.filter(({ delayNs }) => delayNs === 0)
  const row = (name: string, of: readonly RealDecision[]) => [
    name,
    String(of.length),
    ...(['pass', 'inconclusive', 'fail', 'invalid'] as const).map((outcome) => String(count(of, outcome))),
    `${(100 * clopperPearson(count(of, 'fail'), of.length)).toFixed(1)} %`,
    ...[false, true].map((isThroughput) =>
      middle(
        of.flatMap(({ comparisons }) =>
          comparisons.flatMap((each) => ((each.metric === 'inferPerSec') === isThroughput ? [each.sd] : [])),
        ),
      ),
    ),
  ]
  const header = [
    'unchanged',
    'decisions',
    'pass',
    'inconclusive',
    'fail',
    'invalid',
    'fails at most in (95 %)',
    'spread of latency',
    'of throughput',
  ]
  return table(header, [...groups(unchanged).map(([name, of]) => row(name, of)), row('all', unchanged)])
}

/** A delay in the candidate's model: what the gate said, by how quiet the machine was. */
export function slowerTable(decisions: readonly RealDecision[]): string {
  const slower = decisions.filter(({ delayNs }) => delayNs > 0)
  const [planned, first] = [true, false].map((share) =>
    slower.filter(({ plannedShare }) => (plannedShare !== undefined) === share),
  ) as [RealDecision[], RealDecision[]]
  const upTo = (to: number, index: number) =>
    row(
      `20 % longer; largest spread ${to === Number.POSITIVE_INFINITY ? 'above that' : `at most ${Math.round(100 * to)} %`}`,
      planned.filter((each) => noisiestSd(each) > (sdSteps[index - 1] ?? 0) && noisiestSd(each) <= to),
    )
  const row = (name: string, of: readonly RealDecision[]) => [
    name,
    String(of.length),
    ...(['fail', 'inconclusive', 'pass', 'invalid'] as const).map((outcome) => String(count(of, outcome))),
    of.length === 0 ? '–' : `${Math.round(Math.max(...of.map(({ wallNs }) => wallNs)) / 1e9)} s`,
    ...[false, true].map((isThroughput) =>
      middle(
        of.flatMap(({ comparisons }) =>
          comparisons.flatMap(({ metric, changeRatio }) =>
            (metric === 'inferPerSec') === isThroughput ? [changeRatio - 1] : [],
          ),
        ),
      ),
    ),
  ]
  const header = [
    'slower',
    'decisions',
    'fail',
    'inconclusive',
    'pass',
    'invalid',
    'longest',
    'latency (median)',
    'throughput (median)',
  ]
  return table(header, [
    ...sdSteps.map(upTo),
    ...(first.length === 0 ? [] : [row('20 % of the p99 of the whole repetitions longer', first)]),
  ])
}

/** The one-sided 95 % upper bound of a probability after so many events (Clopper & Pearson 1934). */
export function clopperPearson(events: number, trials: number): number {
  let [low, high] = [0, 1]
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (binomialCdf(events, trials, middle) > 0.05) low = middle
    else high = middle
  }
  return high
}
