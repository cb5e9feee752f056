// npm run bench -- point: how long until a p99 is known, and how far it is from a long run's.
import { loadConfig } from '../src/config/load-config.ts'
import { messageOf } from '../src/domain/error.ts'
import { nsPerSecond } from '../src/domain/world.ts'
import { readInputs } from '../src/load/read-inputs.ts'
import { measureRunning } from '../src/profile/measure-running.ts'
import { createRandom } from '../src/stats/random.ts'
import { geometricMean, median } from '../src/stats/robust.ts'
import type { BenchPart } from './part.ts'
import { findPerfAnalyzer, startPerfAnalyzer } from './perf-analyzer.ts'
import { type BenchServer, openBenchServer } from './server.ts'

const models = ['add_sub', 'text_recognition'] as const
const concurrency = 2
/** `measure`'s own defaults. */
const trustworthy = { intervalWidth: 0.2, maxNs: 20 * nsPerSecond }
/** 60 s in all, half of them by each program, so that neither is the other's yardstick. */
const referencePieces = 6
const pieceNs = 10 * nsPerSecond

interface Point {
  readonly wallNs: number
  readonly latencyP99Ns: number
}

export async function benchPoint(rounds: number): Promise<BenchPart> {
  const program = findPerfAnalyzer()
  const bench = await openBenchServer(models)
  try {
    const rows: string[] = []
    const missed: string[] = []
    for (const model of models) {
      const { row, failures } = await benchModel(bench, program, model, rounds)
      rows.push(row)
      missed.push(...failures)
    }
    const passed = missed.length === 0
    const markdown = `Concurrency ${concurrency}; medians of ${rounds} rounds in random order. The reference is 60 s of load in pieces of 10 s, half by each program.

| | wall: measure / perf_analyzer | ratio (≤ 0.33) | p99: reference | distance from it: measure / perf_analyzer | perf_analyzer gave none |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${passed ? 'All targets are met.' : `Missed:\n${missed.map((line) => `- ${line}`).join('\n')}`}`
    return { title: 'Time to a trustworthy point', markdown, passed }
  } finally {
    await bench.close()
  }
}

async function benchModel(bench: BenchServer, program: string, model: string, rounds: number) {
  const ours = (durationNs: number | null) => timed(bench, () => measure(bench, model, durationNs))
  const theirs = (flags: readonly string[]) => timed(bench, () => analyze(bench, program, model, flags))
  const random = createRandom(Date.now())
  const pieces: Point[] = []
  for (const piece of random.shuffle(Array.from({ length: referencePieces }, (_, index) => index))) {
    // Three windows of perf_analyzer, each 1.2 times the interval.
    const intervalMs = Math.round(pieceNs / 1e6 / 3.6)
    pieces.push(
      await (piece % 2 === 0
        ? ours(pieceNs)
        : theirs(['--measurement-interval', String(intervalMs), '-s', '100000', '-r', '3'])),
    )
    bench.world.progress(`${model}: reference piece ${pieces.length} of ${referencePieces}`)
  }
  const referenceNs = geometricMean(pieces.map(({ latencyP99Ns }) => latencyP99Ns))

  const found: { readonly ours: Point; readonly theirs: Point }[] = []
  for (let round = 1; round <= rounds; round++) {
    const first = random.integer(2) === 0 ? await ours(null) : null
    const perfAnalyzer = await theirs([])
    found.push({ ours: first ?? (await ours(null)), theirs: perfAnalyzer })
    bench.world.progress(`${model}: round ${round} of ${rounds}`)
  }
  const wall = {
    ours: median(found.map((each) => each.ours.wallNs)),
    theirs: median(found.map((each) => each.theirs.wallNs)),
  }
  // A program that gave no number is further away than any.
  const distance = ({ latencyP99Ns }: Point) =>
    Number.isNaN(latencyP99Ns) ? Number.POSITIVE_INFINITY : Math.abs(Math.log(latencyP99Ns / referenceNs))
  const unanswered = found.filter(({ theirs }) => Number.isNaN(theirs.latencyP99Ns)).length
  const far = {
    ours: median(found.map((each) => distance(each.ours))),
    theirs: median(found.map((each) => distance(each.theirs))),
  }
  const ratio = wall.ours / wall.theirs
  const seconds = (ns: number) => `${(ns / 1e9).toFixed(1)} s`
  const percent = (log: number) => `${((Math.exp(log) - 1) * 100).toFixed(1)} %`
  const row = `| ${model} | ${seconds(wall.ours)} / ${seconds(wall.theirs)} | ${ratio.toFixed(2)} | ${(referenceNs / 1e6).toFixed(2)} ms | ${percent(far.ours)} / ${percent(far.theirs)} | ${unanswered} of ${rounds} |`
  const failures = [
    ...(ratio <= 1 / 3 ? [] : [`${model}: wall time ${ratio.toFixed(2)} of perf_analyzer's`]),
    ...(far.ours <= far.theirs
      ? []
      : [`${model}: p99 is ${percent(far.ours)} from the reference, perf_analyzer's ${percent(far.theirs)}`]),
  ]
  return { row, failures }
}

async function timed(bench: BenchServer, run: () => Promise<number>): Promise<Point> {
  const startNs = bench.world.nowNs()
  const latencyP99Ns = await run()
  return { wallNs: bench.world.nowNs() - startNs, latencyP99Ns }
}

async function measure(bench: BenchServer, model: string, durationNs: number | null): Promise<number> {
  const { host, port } = bench.server.grpc
  const config = await loadConfig({ file: null, overrides: { tritonUrl: `grpc://${host}:${port}` } })
  const { input, requests, counts } = config.settingsFor(model)
  const { models: measured } = await measureRunning(bench.world, {
    triton: config.triton,
    model,
    loads: [{ mode: 'concurrency', concurrency }],
    until: durationNs === null ? { kind: 'trustworthy', ...trustworthy } : { kind: 'duration', durationNs },
    ask: { input: await readInputs({ ...input, data: 'zero' }), requests },
    counts,
    seed: 1,
    maxFailureRatio: config.gate.maxFailureRatio,
    runnerClass: null,
    engine: config,
    save: () => {},
  })
  return measured[0]?.scenarios[0]?.metrics.latencyP99Ns?.value ?? Number.NaN
}

async function analyze(
  bench: BenchServer,
  program: string,
  model: string,
  flags: readonly string[],
): Promise<number> {
  const { host, port } = bench.server.grpc
  const own = ['-m', model, '-i', 'grpc', '-u', `${host}:${port}`, '--input-data', 'zero']
  const range = ['--concurrency-range', `${concurrency}:${concurrency}:1`]
  try {
    const { latencyNs } = await startPerfAnalyzer(program, [...own, ...range, ...flags]).row
    return latencyNs.get(99) ?? Number.NaN
  } catch (error) {
    // It gives no number where its windows do not agree within its ten trials: that is a result, too.
    bench.world.progress(messageOf(error).split('\n').at(-2) ?? '')
    return Number.NaN
  }
}
