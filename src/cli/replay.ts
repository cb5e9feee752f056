import { readFile } from 'node:fs/promises'
import { defaultSearch } from '../config/defaults.ts'
import { exitCodes, GateError, messageOf } from '../domain/error.ts'
import { batchSizeOf, loadLabel } from '../domain/load.ts'
import { renderJson } from '../report/json.ts'
import { parseLandscape } from '../search/landscape-file.ts'
import { replay as replaySearch, shareOfOptimum } from '../search/replay.ts'
import type { Place, SearchPoint } from '../search/state.ts'
import { type GateOptions, positive } from './gate-options.ts'
import type { Shell } from './shell.ts'

export interface ReplayOptions {
  readonly replay?: string
  readonly searchMode?: GateOptions['searchMode']
  readonly maxMeasurements?: string
  readonly noise?: string
  readonly seed?: string
  readonly json?: boolean
}

/** `search --replay`: a search on a recorded landscape in place of a server; exact and the same every time. */
export async function replay(shell: Shell, file: string, options: ReplayOptions): Promise<number> {
  const landscape = parseLandscape(await readLandscape(file), file)
  const { searchMode = 'quick' } = options
  const { points, answer, reason } = replaySearch(searchMode === 'optuna' ? 'quick' : searchMode, landscape, {
    maxMeasurements:
      options.maxMeasurements === undefined
        ? defaultSearch.maxMeasurements
        : positive('--max-measurements', options.maxMeasurements),
    noise: options.noise === undefined ? 0 : notNegative('--noise', options.noise),
    seed: options.seed === undefined ? 0 : notNegative('--seed', options.seed),
  })
  const result = {
    measurements: points.length,
    sequence: points.map((point) => ({ ...pointKeys(point), failed: point.metrics === null })),
    best: answer === null ? null : pointKeys(answer),
    meets_constraints: answer?.meetsConstraints ?? false,
    share_of_optimum: shareOfOptimum(landscape, answer),
    stopped: reason,
  }
  shell.out(
    options.json === true ? renderJson(result) : words(landscape.name, points, answer?.explanation, result),
  )
  return exitCodes.pass
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
  explanation: string | undefined,
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
    `${name}: ${points.length} measurements; stopped: ${result.stopped}`,
    ...steps,
    explanation ?? 'No measurement succeeded.',
    ...(share === null ? [] : [`${(share * 100).toFixed(1)} % of the constrained optimum`]),
    '',
  ].join('\n')
}

async function readLandscape(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new GateError('usage', `${file} cannot be read as JSON: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function notNegative(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new GateError('usage', `${flag}: '${text}' is not a number from 0 on`)
}
