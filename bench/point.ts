// npm run bench -- point, or point-MODEL: how long until a p99 is known, and how far it is from a long run's.
import { messageOf } from '../src/domain/error.ts'
import { loadLabel } from '../src/domain/load.ts'
import { nsPerSecond } from '../src/domain/world.ts'
import { createRandom } from '../src/stats/random.ts'
import { geometricMean, median } from '../src/stats/robust.ts'
import { measureAt } from './measure-at.ts'
import { type BenchPart, targetWords } from './part.ts'
import { findPerfAnalyzer, startPerfAnalyzer } from './perf-analyzer.ts'
import { bootstrap } from './ratio.ts'
import { type BenchServer, openBenchServer } from './server.ts'

export const pointModels = ['add_sub', 'text_recognition'] as const
const concurrency = 2
const load = { mode: 'concurrency', concurrency } as const
/** `measure`'s own defaults. */
const trustworthy = { intervalWidth: 0.2, maxNs: 20 * nsPerSecond }
/**
 * Of each program in each round: 60 s in all, half of them by each, so that neither is the other's yardstick, and spread over
 * the rounds, so that the machine has not become another one meanwhile.
 */
const referenceNs = 60 * nsPerSecond

interface Answer {
  /** NaN where it gave none. */
  readonly latencyP99Ns: number
  /** It reached its own goal before its time was over. */
  readonly isTrusted: boolean
}

interface Point extends Answer {
  readonly wallNs: number
}

/** One quick point and one piece of the reference by each program. */
type Round = Readonly<Record<'ours' | 'theirs' | 'ourPiece' | 'theirPiece', Point>>

export async function benchPoint(model: (typeof pointModels)[number], rounds: number): Promise<BenchPart> {
  const program = findPerfAnalyzer()
  const bench = await openBenchServer([model])
  try {
    const { row, failures } = await benchModel(bench, program, model, rounds)
    const passed = failures.length === 0
    const markdown = `Concurrency ${concurrency}; medians of ${rounds} rounds in random order, with 95 % intervals over rounds. The reference is 60 s of load, half by each program, spread over the rounds.

| wall: measure / perf_analyzer | ratio (≤ 1/3) | p99: reference | distance from it: measure / perf_analyzer | difference (≤ 0 in its interval) | not steady in its time: measure / perf_analyzer |
| --- | --- | --- | --- | --- | --- |
${row}

${targetWords(failures)}`
    return { title: `Time to a trustworthy point: ${model}`, markdown, passed }
  } finally {
    await bench.close()
  }
}

async function benchModel(bench: BenchServer, program: string, model: string, rounds: number) {
  const ours = (durationNs: number | null) => timed(bench, () => measure(bench, model, durationNs))
  const theirs = (flags: readonly string[]) => timed(bench, () => analyze(bench, program, model, flags))
  const random = createRandom(Date.now())
  const pieceNs = referenceNs / 2 / rounds
  // Three windows, each 1.2 times the interval.
  const piece = ['--measurement-interval', String(Math.round(pieceNs / 1e6 / 3.6)), '-s', '100000', '-r', '3']
  const found: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    const points = new Map<string, Point>()
    const turns: [name: keyof Round, run: () => Promise<Point>][] = [
      ['ours', () => ours(null)],
      ['theirs', () => theirs([])],
      ['ourPiece', () => ours(pieceNs)],
      ['theirPiece', () => theirs(piece)],
    ]
    for (const [name, run] of random.shuffle(turns)) points.set(name, await run())
    found.push(Object.fromEntries(points) as unknown as Round)
    bench.world.progress(`${model}: round ${round} of ${rounds}`)
  }
  return judge(model, found)
}

/** A program that gave no number is further away than any. Its time counts as what it took to find none. */
function judge(model: string, found: readonly Round[]) {
  const p99 = geometricMean(
    found
      .flatMap(({ ourPiece, theirPiece }) => [ourPiece.latencyP99Ns, theirPiece.latencyP99Ns])
      .filter((latencyNs) => !Number.isNaN(latencyNs)),
  )
  const distance = ({ latencyP99Ns }: Point) =>
    Number.isNaN(latencyP99Ns) ? Number.POSITIVE_INFINITY : Math.abs(Math.log(latencyP99Ns / p99))
  const far = (rounds: readonly Round[], of: 'ours' | 'theirs') =>
    median(rounds.map((each) => distance(each[of])))
  const wall = (rounds: readonly Round[], of: 'ours' | 'theirs') =>
    median(rounds.map((each) => each[of].wallNs))
  const ratio = bootstrap(found, (rounds) => wall(rounds, 'ours') / wall(rounds, 'theirs'))
  const further = bootstrap(found, (rounds) => far(rounds, 'ours') - far(rounds, 'theirs'))
  const short = (of: 'ours' | 'theirs') => found.filter((each) => !each[of].isTrusted).length
  const seconds = (ns: number) => `${(ns / 1e9).toFixed(1)} s`
  const percent = (log: number) => (Number.isFinite(log) ? `${(100 * log).toFixed(1)} %` : 'none')
  const between = `${percent(further.value)} (${percent(further.low)} to ${percent(further.high)})`
  const row = [
    `${seconds(wall(found, 'ours'))} / ${seconds(wall(found, 'theirs'))}`,
    `${ratio.value.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
    `${(p99 / 1e6).toFixed(2)} ms`,
    `${percent(far(found, 'ours'))} / ${percent(far(found, 'theirs'))}`,
    between,
    `${short('ours')} / ${short('theirs')} of ${found.length}`,
  ]
  const failures = [
    ...(ratio.value <= 1 / 3 ? [] : [`${model}: takes ${ratio.value.toFixed(2)} of perf_analyzer's time`]),
    ...(further.low <= 0 ? [] : [`${model}: p99 is further from the reference by ${between}`]),
  ]
  return { row: `| ${row.join(' | ')} |`, failures }
}

async function timed(bench: BenchServer, run: () => Promise<Answer>): Promise<Point> {
  const startNs = bench.world.nowNs()
  const answer = await run()
  return { wallNs: bench.world.nowNs() - startNs, ...answer }
}

async function measure(bench: BenchServer, model: string, durationNs: number | null): Promise<Answer> {
  const { metrics, warnings } = await measureAt(
    bench,
    model,
    load,
    durationNs === null ? { kind: 'trustworthy', ...trustworthy } : { kind: 'duration', durationNs },
  )
  return {
    latencyP99Ns: metrics.latencyP99Ns?.value ?? Number.NaN,
    isTrusted: !warnings.some((warning) => warning.startsWith(`${loadLabel(load)}: `)),
  }
}

async function analyze(
  bench: BenchServer,
  program: string,
  model: string,
  flags: readonly string[],
): Promise<Answer> {
  const { host, port } = bench.server.grpc
  const own = ['-m', model, '-i', 'grpc', '-u', `${host}:${port}`, '--input-data', 'zero']
  const range = ['--concurrency-range', `${concurrency}:${concurrency}:1`]
  try {
    const { latencyNs } = await startPerfAnalyzer(program, [...own, ...range, ...flags]).row
    return { latencyP99Ns: latencyNs.get(99) ?? Number.NaN, isTrusted: true }
  } catch (error) {
    // It gives no number where its windows do not agree within its ten trials: that is a result, too.
    bench.world.progress(messageOf(error).split('\n').at(-2) ?? '')
    return { latencyP99Ns: Number.NaN, isTrusted: false }
  }
}
