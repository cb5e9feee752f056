// npm run bench -- search: how long the sweep takes, and whether its answer is as good as trying everything.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { readDataFile } from '../src/cli/data-file.ts'
import { readConfig } from '../src/config/load-config.ts'
import { messageOf } from '../src/domain/error.ts'
import { measurementsSchema } from '../src/domain/measurements.ts'
import type { MetricName } from '../src/domain/metric.ts'
import type { Metrics } from '../src/domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../src/domain/world.ts'
import { runGate } from '../src/gate.ts'
import { applyConfiguration } from '../src/model-config/configuration.ts'
import { modelConfigToJson } from '../src/model-config/parse.ts'
import { readModelRepository } from '../src/repository/repository.ts'
import { type Place, placeKey } from '../src/search/state.ts'
import { createRandom } from '../src/stats/random.ts'
import { geometricMean, median } from '../src/stats/robust.ts'
import { resolveTriton } from '../src/triton/launcher.ts'
import { loadModel } from '../src/triton/load-model.ts'
import { measureAt } from './measure-at.ts'
import { findModelAnalyzer, type ModelAnalyzer, runModelAnalyzer } from './model-analyzer.ts'
import type { BenchPart } from './part.ts'
import {
  judgeSearch,
  type Mode,
  modes,
  type Remeasured,
  type Round,
  type Swept,
  type Theirs,
} from './search-judge.ts'
import { type BenchServer, openBenchServer, root } from './server.ts'

const model = 'text_recognition'

const examples = join(root, 'examples/model_repository')
/** The space and budget that Model Analyzer was first timed with on such a machine: 145 s quick, 211 s brute. */
const keys = {
  profile_models: [model],
  latency_budget: 10,
  run_config_search_max_instance_count: 2,
  run_config_search_max_model_batch_size: 8,
  run_config_search_max_concurrency: 8,
} as const
/** Brute has 2 × 4 × 2 configurations at 4 loads, and its early exits. */
const mostMeasurements: Readonly<Record<Mode, number>> = { quick: 20, brute: 64 }
/** Each winner in each round, in turns. */
const [pieces, pieceNs] = [3, 2 * nsPerSecond]

export async function benchSearch(rounds: number): Promise<BenchPart> {
  const analyzer = find()
  // By itself: beside the ensemble that needs it, its max_batch_size is not lowered below the ensemble's, which Model Analyzer does.
  const repository = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  cpSync(join(examples, model), join(repository, model), { recursive: true })
  const bench = await openBenchServer([model])
  const found: Round[] = []
  const theirs = new Map<Mode, Theirs>()
  const beside = async (mode: Mode) => {
    // Most of a round's time would be Model Analyzer's: it has one run of each mode.
    if (theirs.has(mode)) return
    theirs.set(
      mode,
      typeof analyzer === 'string' ? analyzer : await analyze(bench, analyzer, repository, mode),
    )
  }
  try {
    const random = createRandom(Date.now())
    for (let round = 1; round <= rounds; round++) {
      found.push(await benchRound(bench, repository, beside, random.shuffle(modes)))
      bench.world.progress(`search: round ${round} of ${rounds}`)
    }
  } finally {
    await bench.close()
    rmSync(repository, { recursive: true })
  }
  return judgeSearch(model, found, Object.fromEntries(theirs) as Record<Mode, Theirs>)
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
  repository: string,
  beside: (mode: Mode) => Promise<void>,
  order: readonly Mode[],
): Promise<Round> {
  const swept = new Map<Mode, Swept>()
  for (const mode of order) {
    swept.set(mode, await sweep(bench, repository, mode))
    await beside(mode)
  }
  const [quick, brute] = modes.map((mode) => swept.get(mode))
  if (quick === undefined || brute === undefined) throw new Error('unreachable: every mode has run')
  return {
    swept: { quick, brute },
    remeasured: await compareWinners(bench, quick.summary.answer, brute.summary.answer),
  }
}

/** The whole command, as `search` runs it. */
async function sweep({ world }: BenchServer, repository: string, mode: Mode): Promise<Swept> {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  try {
    const text = stringify({
      ...keys,
      model_repository: repository,
      run_config_search_mode: mode,
      gate: { triton: 'embedded', time_budget: '20m', search_max_measurements: mostMeasurements[mode] },
    })
    const loaded = readConfig(text, 'the benchmark', {})
    const startNs = world.nowNs()
    await runGate(world, {
      config: { ...loaded, gate: { ...loaded.gate, repetitions: 1 } },
      modelRepository: repository,
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

/** Its wall time; or, in words, why it gave none: it fails now and then, and our numbers stand without it. */
async function analyze(
  { world }: BenchServer,
  analyzer: ModelAnalyzer,
  repository: string,
  mode: Mode,
): Promise<Theirs> {
  const { triton } = readConfig(stringify({ gate: { triton: 'embedded' } }), 'the benchmark', {})
  const launcher = await resolveTriton(world, triton)
  try {
    const run = await runModelAnalyzer(analyzer, launcher, {
      ...keys,
      model_repository: repository,
      run_config_search_mode: mode,
    })
    world.progress(
      `Model Analyzer, ${mode}: ${(run.wallNs / nsPerSecond).toFixed(0)} s, ${run.measurements} measurements`,
    )
    return run
  } catch (error) {
    world.progress(`Model Analyzer, ${mode}: ${messageOf(error)}`)
    return messageOf(error)
  }
}

/** Both winners on one server, measured in turns; null without two. */
async function compareWinners(
  bench: BenchServer,
  one: Place | null,
  other: Place | null,
): Promise<Remeasured | null> {
  if (one === null || other === null) return null
  if (placeKey(one) === placeKey(other)) return { throughputRatio: 1, quickHolds: true, bruteHolds: true }
  const found = new Map<Place, Metrics[]>([
    [one, []],
    [other, []],
  ])
  for (let piece = 0; piece < pieces; piece++) {
    for (const [place, metrics] of found) metrics.push(await measureAgain(bench, place))
  }
  const valuesOf = (place: Place, metric: MetricName) =>
    (found.get(place) ?? []).map((metrics) => metrics[metric]?.value ?? Number.NaN)
  const rate = (place: Place) => geometricMean(valuesOf(place, 'inferPerSec'))
  const holds = (place: Place) => median(valuesOf(place, 'latencyP99Ns')) <= keys.latency_budget * nsPerMs
  return { throughputRatio: rate(one) / rate(other), quickHolds: holds(one), bruteHolds: holds(other) }
}

async function measureAgain(bench: BenchServer, { configuration, load }: Place): Promise<Metrics> {
  const { world, server, client } = bench
  const config = (await readModelRepository(examples)).models.get(model)?.config
  if (config == null) throw new Error(`${model} has no config.pbtxt`)
  const configJson = modelConfigToJson(applyConfiguration(config, configuration))
  await loadModel(world, server, client, model, { configJson, timeoutNs: 120 * nsPerSecond })
  return (await measureAt(bench, model, load, { kind: 'duration', durationNs: pieceNs })).metrics
}
