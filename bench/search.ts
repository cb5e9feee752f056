// npm run bench -- search: how long the sweep takes, and whether its answer is as good as trying everything.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { readDataFile } from '../src/cli/data-file.ts'
import { readConfig } from '../src/config/load-config.ts'
import { configurationKey } from '../src/domain/configuration.ts'
import { messageOf } from '../src/domain/error.ts'
import { loadLabel } from '../src/domain/load.ts'
import { measurementsSchema } from '../src/domain/measurements.ts'
import type { SearchSummary } from '../src/domain/scenario.ts'
import { nsPerSecond } from '../src/domain/world.ts'
import { runGate } from '../src/gate.ts'
import { applyConfiguration } from '../src/model-config/configuration.ts'
import { modelConfigToJson } from '../src/model-config/parse.ts'
import { type Place, placeKey } from '../src/search/state.ts'
import { createRandom } from '../src/stats/random.ts'
import { geometricMean, median } from '../src/stats/robust.ts'
import { resolveTriton } from '../src/triton/launcher.ts'
import { loadModel } from '../src/triton/load-model.ts'
import { measureAt } from './measure-at.ts'
import { findModelAnalyzer, type ModelAnalyzer, runModelAnalyzer } from './model-analyzer.ts'
import type { BenchPart } from './part.ts'
import { type BenchServer, openBenchServer, root } from './server.ts'

const model = 'text_recognition'
const modes = ['quick', 'brute'] as const
type Mode = (typeof modes)[number]

/** The space and budget that Model Analyzer was first timed with on such a machine: 145 s quick, 211 s brute. */
const keys = {
  model_repository: join(root, 'examples/model_repository'),
  profile_models: [model],
  latency_budget: 10,
  run_config_search_max_instance_count: 2,
  run_config_search_max_model_batch_size: 8,
  run_config_search_max_concurrency: 8,
} as const
/** Brute has 2 × 4 × 2 configurations at 4 loads, and its early exits. */
const mostMeasurements: Readonly<Record<Mode, number>> = { quick: 20, brute: 64 }
const mostSeconds = 50
const leastUnderLoad = 0.6
const leastShare = 0.95
/** Each winner in each round, in turns. */
const [pieces, pieceNs] = [3, 2 * nsPerSecond]

interface Swept {
  /** From the command's start to its report: the gated loads once and the sweep. */
  readonly wallNs: number
  readonly summary: SearchSummary
}

interface Round {
  readonly swept: Readonly<Record<Mode, Swept>>
  /** Throughput of quick's winner, as a share of brute's; 1 where they are the same place. */
  readonly share: number
  /** Model Analyzer's wall time; null where it did not run. */
  readonly theirs: Readonly<Record<Mode, number>> | null
}

export async function benchSearch(rounds: number): Promise<BenchPart> {
  const analyzer = find()
  const bench = await openBenchServer([model])
  const found: Round[] = []
  try {
    const random = createRandom(Date.now())
    for (let round = 1; round <= rounds; round++) {
      found.push(await benchRound(bench, analyzer, random.shuffle(modes)))
      bench.world.progress(`search: round ${round} of ${rounds}`)
    }
  } finally {
    await bench.close()
  }
  return judge(found, typeof analyzer === 'string' ? analyzer : null)
}

function find(): ModelAnalyzer | string {
  try {
    return findModelAnalyzer()
  } catch (error) {
    return messageOf(error)
  }
}

async function benchRound(
  bench: BenchServer,
  analyzer: ModelAnalyzer | string,
  order: readonly Mode[],
): Promise<Round> {
  const swept = new Map<Mode, Swept>()
  const theirs = new Map<Mode, number>()
  for (const mode of order) {
    swept.set(mode, await sweep(bench, mode))
    if (typeof analyzer !== 'string') theirs.set(mode, await analyze(bench, analyzer, mode))
  }
  const [quick, brute] = modes.map((mode) => swept.get(mode))
  if (quick === undefined || brute === undefined) throw new Error('unreachable: every mode has run')
  return {
    swept: { quick, brute },
    share: await compareWinners(bench, quick.summary.answer, brute.summary.answer),
    theirs: theirs.size < modes.length ? null : (Object.fromEntries(theirs) as Record<Mode, number>),
  }
}

/** The whole command, as `search` runs it. */
async function sweep({ world }: BenchServer, mode: Mode): Promise<Swept> {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  try {
    const text = stringify({
      ...keys,
      run_config_search_mode: mode,
      gate: { triton: 'embedded', time_budget: '20m', search_max_measurements: mostMeasurements[mode] },
    })
    const loaded = readConfig(text, 'the benchmark', {})
    const startNs = world.nowNs()
    await runGate(world, {
      config: { ...loaded, gate: { ...loaded.gate, repetitions: 1 } },
      modelRepository: keys.model_repository,
      mode: 'baseline',
      baseline: { status: 'notRequested' },
      reference: null,
      outputDirectory: folder,
      resume: null,
      commit: null,
      runId: null,
    })
    const wallNs = world.nowNs() - startNs
    const { models } = await readDataFile(
      join(folder, 'measurements.json'),
      measurementsSchema,
      'measurements',
    )
    const summary = models[0]?.search
    if (summary == null) throw new Error(`the ${mode} sweep gave no answer: ${models[0]?.error?.message}`)
    return { wallNs, summary }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function analyze({ world }: BenchServer, analyzer: ModelAnalyzer, mode: Mode): Promise<number> {
  const { triton } = readConfig(stringify({ gate: { triton: 'embedded' } }), 'the benchmark', {})
  const launcher = await resolveTriton(world, triton)
  const { wallNs, measurements } = await runModelAnalyzer(analyzer, launcher, {
    ...keys,
    run_config_search_mode: mode,
  })
  world.progress(
    `Model Analyzer, ${mode}: ${(wallNs / nsPerSecond).toFixed(0)} s, ${measurements} measurements`,
  )
  return wallNs
}

/** Both winners on one server, measured in turns: throughput of the first as a share of the second's. */
async function compareWinners(bench: BenchServer, one: Place | null, other: Place | null): Promise<number> {
  if (one === null || other === null) return Number.NaN
  if (placeKey(one) === placeKey(other)) return 1
  const rates = new Map<Place, number[]>([
    [one, []],
    [other, []],
  ])
  for (let piece = 0; piece < pieces; piece++) {
    for (const [place, values] of rates) values.push(await throughputOf(bench, place))
  }
  const [ours = Number.NaN, theirs = Number.NaN] = [...rates.values()].map(geometricMean)
  return ours / theirs
}

async function throughputOf(bench: BenchServer, { configuration, load }: Place): Promise<number> {
  const { world, server, client } = bench
  const committed = await client.modelConfig(model)
  const configJson = modelConfigToJson(applyConfiguration(committed, configuration))
  await loadModel(world, server, client, model, { configJson, timeoutNs: 120 * nsPerSecond })
  const { metrics } = await measureAt(bench, model, load, { kind: 'duration', durationNs: pieceNs })
  return metrics.inferPerSec?.value ?? Number.NaN
}

function judge(found: readonly Round[], missing: string | null): BenchPart {
  const of = (value: (round: Round) => number) => median(found.map(value))
  const seconds = (ns: number) => `${(ns / nsPerSecond).toFixed(1)} s`
  const rows = modes.map((mode) => {
    const each = (value: (swept: Swept) => number) => of(({ swept }) => value(swept[mode]))
    const theirs = found.flatMap((round) => round.theirs?.[mode] ?? [])
    const wallNs = each((swept) => swept.wallNs)
    return [
      mode,
      seconds(wallNs),
      seconds(each(({ summary }) => summary.wallNs)),
      String(each(({ summary }) => summary.measurements)),
      `${(100 * each(({ summary }) => summary.underLoadNs / summary.wallNs)).toFixed(0)} %`,
      theirs.length === 0 ? '–' : `${seconds(median(theirs))} (${(wallNs / median(theirs)).toFixed(2)})`,
    ]
  })
  const quickNs = of(({ swept }) => swept.quick.wallNs)
  const underLoad = of(({ swept: { quick } }) => quick.summary.underLoadNs / quick.summary.wallNs)
  const share = of((round) => round.share)
  const failures = [
    ...(quickNs <= mostSeconds * nsPerSecond ? [] : [`quick takes ${seconds(quickNs)}`]),
    ...(underLoad >= leastUnderLoad
      ? []
      : [`${(100 * underLoad).toFixed(0)} % of quick's sweep is under load`]),
    ...(share >= leastShare ? [] : [`quick's winner has ${share.toFixed(2)} of the throughput of brute's`]),
    ...(missing === null ? [] : [`Model Analyzer did not run: ${missing.trim().split('\n').at(-1)}`]),
  ]
  const winners = found.map(
    ({ swept, share: ratio }) =>
      `- ${modes.map((mode) => `${mode}: ${winnerWords(swept[mode])}`).join('; ')}; throughput of the first ÷ second ${ratio.toFixed(2)}`,
  )
  const markdown = `${model}, instances ≤ 2, batch ≤ 8, concurrency ≤ 8, p99 ≤ 10 ms; medians of ${found.length} rounds, modes in random order. Wall time is that of
the whole command, the gated loads included. Targets: quick ≤ ${mostSeconds} s, of its sweep ≥ ${100 * leastUnderLoad} % under load, its winner ≥ ${leastShare} of brute's throughput
when both are measured again, in turns.

| | command | sweep | measurements | under load | Model Analyzer 1.58.0 (ours ÷ theirs) |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

${winners.join('\n')}

${failures.length === 0 ? 'All targets are met.' : `Missed:\n${failures.map((line) => `- ${line}`).join('\n')}`}`
  return { title: 'Sweep', markdown, passed: failures.length === 0 }
}

function winnerWords({ summary: { answer } }: Swept): string {
  if (answer === null) return 'none'
  const { configuration, load, meetsConstraints, tie } = answer
  const words = `${configurationKey(configuration)} at ${loadLabel(load)}`
  return `${words}${tie ? ' (a tie)' : ''}${meetsConstraints ? '' : ' (misses the limit)'}`
}
