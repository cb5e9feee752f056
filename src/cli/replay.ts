import { readFile } from 'node:fs/promises'
import { defaultSearch } from '../config/defaults.ts'
import { exitCodes, GateError, messageOf } from '../domain/error.ts'
import { batchSizeOf, loadLabel } from '../domain/load.ts'
import { betterThan, countInWords } from '../domain/words.ts'
import { renderJson } from '../report/json.ts'
import { describe } from '../search/answer-words.ts'
import { parseLandscape } from '../search/landscape-file.ts'
import { replay as replaySearch, shareOfOptimum } from '../search/replay.ts'
import type { Place, SearchAnswer, SearchPoint } from '../search/state.ts'
import { notNegative, wholeFrom } from './flag-values.ts'
import type { GateOptions } from './gate-options.ts'
import type { Shell } from './shell.ts'

export interface ReplayOptions {
  readonly replay?: string
  /** `manual`: everything that the landscape's space lists, as for values that are listed in a configuration file. */
  readonly searchMode?: NonNullable<GateOptions['searchMode']> | 'manual'
  readonly maxMeasurements?: string
  readonly noise?: string
  readonly seed?: string
  readonly json?: boolean
}

/** `search --replay`: a search on a recorded landscape in place of a server; exact and the same every time. */
export async function replay(
  shell: Shell,
  file: string,
  options: ReplayOptions & { readonly [Flag in keyof typeof idle]?: unknown },
): Promise<number> {
  refuse(idle, options, 'has no effect with --replay', 'Objective, limits and space stand in the landscape.')
  const landscape = parseLandscape(await readLandscape(file), file)
  for (const note of landscape.notes) shell.err(`${file}: ${note}\n`)
  const { searchMode = 'quick' } = options
  const { points, answer, reason } = replaySearch(searchMode === 'optuna' ? 'quick' : searchMode, landscape, {
    maxMeasurements:
      options.maxMeasurements === undefined
        ? defaultSearch.maxMeasurements
        : wholeFrom(1, '--max-measurements', options.maxMeasurements),
    noise: options.noise === undefined ? 0 : notNegative('--noise', options.noise),
    seed: options.seed === undefined ? 0 : wholeFrom(0, '--seed', options.seed),
  })
  const result = {
    measurements: points.length,
    sequence: points.map((point) => ({ ...pointKeys(point), failed: point.metrics === null })),
    best: answer === null ? null : pointKeys(answer),
    meets_constraints: answer?.meetsConstraints ?? false,
    share_of_optimum: shareOfOptimum(landscape, answer),
    stopped: reason,
  }
  shell.out(options.json === true ? renderJson(result) : words(landscape.name, points, answer, result))
  return exitCodes.pass
}

/** Flags of `search` that say nothing about a landscape. */
const idle = {
  modelRepository: '--model-repository',
  models: '--models',
  config: '--config',
  engine: '--engine',
  perfAnalyzerPath: '--perf-analyzer-path',
  triton: '--triton',
  tritonUrl: '--triton-url',
  tritonImage: '--triton-image',
  timeBudget: '--time-budget',
  latencyBudget: '--latency-budget',
  minThroughput: '--min-throughput',
  mode: '--mode',
  resume: '--resume',
} as const satisfies Partial<Record<keyof GateOptions, string>>

const onlyHere = { maxMeasurements: '--max-measurements', noise: '--noise', seed: '--seed' } as const

/** What is meant for a landscape has no effect on a server: silence would be taken for consent. */
export function refuseReplayFlags<Options extends ReplayOptions>(
  options: Options,
): asserts options is Options & Pick<GateOptions, 'searchMode'> {
  if (options.searchMode === 'manual')
    throw new GateError('usage', '--search-mode manual has an effect with --replay only', {
      hint: 'On a server the values that model_config_parameters lists are tried as listed, whatever the mode.',
    })
  const hint = 'The budget of a sweep on a server is gate.search_max_measurements of the configuration file.'
  refuse(onlyHere, options, 'has an effect with --replay only', hint)
}

function refuse<Key extends string>(
  flags: Readonly<Record<Key, string>>,
  options: Readonly<Partial<Record<NoInfer<Key>, unknown>>>,
  why: string,
  hint: string,
): void {
  const given = (Object.keys(flags) as Key[]).filter((key) => options[key] !== undefined)
  if (given.length === 0) return
  const problems = given.map((key) => ({ message: `${flags[key]} ${why}` }))
  throw new GateError('usage', 'flags are wrong', { problems, hint })
}

/** A place in the words of the landscape file. */
function pointKeys({ configuration, load }: Place) {
  return {
    instance_count: configuration.instanceCount,
    max_batch_size: configuration.maxBatchSize,
    dynamic_batching: configuration.dynamicBatching,
    ...(load.mode === 'concurrency' ? { concurrency: load.concurrency } : { request_rate: load.requestRate }),
    client_batch_size: batchSizeOf(load),
  }
}

function words(
  name: string,
  points: readonly SearchPoint[],
  answer: SearchAnswer | null,
  result: { readonly stopped: string; readonly share_of_optimum: number | null },
): string {
  const steps = points.map((point, index) => {
    const { instance_count, max_batch_size, dynamic_batching } = pointKeys(point)
    const batching = dynamic_batching ? 'on' : 'off'
    const failed = point.metrics === null ? ' (failed)' : ''
    return `${index + 1}. instances ${instance_count}, max_batch_size ${max_batch_size}, dynamic batching ${batching}, ${loadLabel(point.load)}${failed}`
  })
  const share = result.share_of_optimum
  return [
    `${name}: ${countInWords(points.length, 'measurement')}; stopped: ${result.stopped}`,
    ...steps,
    answer === null ? nothing(points) : answerWords(answer),
    ...(share === null ? [] : [`${(share * 100).toFixed(1)} % of the constrained optimum`]),
    '',
  ].join('\n')
}

function answerWords(answer: SearchAnswer): string {
  const { configuration, gain, tie, meetsConstraints, explanation } = answer
  const more =
    gain === null || configuration.committed ? '' : `, ${betterThan(gain)} the committed configuration`
  const which = !meetsConstraints
    ? 'Nothing that was measured meets the constraints; nearest is '
    : tie
      ? 'A tie, so the committed configuration stands: '
      : configuration.committed
        ? 'Best: the committed configuration, '
        : 'Best: '
  return `${which}${describe(answer)}${more}. ${explanation}`
}

function nothing(points: readonly SearchPoint[]): string {
  return points.length === 0 ? 'Nothing was measured.' : 'No measurement succeeded.'
}

async function readLandscape(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new GateError('usage', `${file} cannot be read: ${messageOf(error)}`, { cause: error })
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GateError('usage', `${file} cannot be read as JSON: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
