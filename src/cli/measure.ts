import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { RequestSettings } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { isDataWord } from '../config/resolve-requests.ts'
import { exitCodes, GateError, messageOf } from '../domain/error.ts'
import { batchSizeOf, type Load, loadKey, loadLabel } from '../domain/load.ts'
import type { Measurements } from '../domain/measurements.ts'
import { nsPerSecond } from '../domain/world.ts'
import type { Window } from '../load/generator.ts'
import { perfAnalyzerFigures } from '../load/perf-analyzer-rules.ts'
import { readInputs } from '../load/read-inputs.ts'
import { measureRunning, type RunningInput } from '../profile/measure-running.ts'
import { formatMetric, formatMs, formatThroughput } from '../report/format.ts'
import { renderJson } from '../report/json.ts'
import { type LoggedLoad, renderRequestLog } from '../report/request-log-csv.ts'
import { writeWhole } from '../system/write-whole.ts'
import { duration, listOf, positive, positiveWhole } from './flag-values.ts'
import { type Shell, worldOf } from './shell.ts'

export interface MeasureOptions {
  readonly tritonUrl: string
  readonly model: string
  readonly concurrency?: string
  readonly requestRate?: string
  readonly requestDistribution: 'constant' | 'poisson'
  readonly batchSize: string
  readonly requestCount?: string
  readonly warmupRequestCount?: string
  readonly duration?: string
  readonly maxDuration: string
  readonly intervalWidth: string
  readonly shape?: readonly string[]
  readonly streaming?: boolean
  readonly numOfSequences?: string
  readonly sequenceLength?: string
  readonly inputData?: readonly string[]
  readonly blsComposingModels?: string
  readonly sharedMemory?: 'none' | 'system'
  readonly engine?: 'builtin' | 'perf_analyzer'
  readonly perfAnalyzerPath?: string
  readonly requestLog?: string
  readonly compatible?: 'perf_analyzer'
  readonly output: string
  readonly json?: boolean
}

/** For a connection to a server that is already running: it has a network to cross, and nothing to start. */
const reachTimeoutNs = 10 * nsPerSecond

/** `measure`: a server that is already running, at the given loads. Exit code 3 where a load could not be measured. */
export async function measure(shell: Shell, options: MeasureOptions): Promise<number> {
  const config = await loadConfig({
    file: null,
    overrides: {
      tritonUrl: options.tritonUrl,
      triton: 'remote',
      inputData: options.inputData?.map((word) => (isDataWord(word) ? word : resolve(shell.cwd, word))),
      sharedMemory: options.sharedMemory,
      engine: options.engine,
      perfAnalyzerPath: options.perfAnalyzerPath,
    },
  })
  const { input, requests } = config.settingsFor(options.model)
  const save = saverOf(resolve(shell.cwd, options.output), '--output')
  const trace = traceOf(shell, options)
  const measurements = await measureRunning(worldOf(shell), {
    triton: { ...config.triton, startTimeoutNs: reachTimeoutNs },
    engine: config,
    model: options.model,
    called: listOf(options.blsComposingModels ?? ''),
    loads: loadsOf(options),
    counts: {
      requestCount: countOf('--request-count', options.requestCount),
      warmupRequestCount: countOf('--warmup-request-count', options.warmupRequestCount),
    },
    until: untilOf(options),
    ask: {
      input: await readInputs({ ...input, shapes: { ...input.shapes, ...shapesOf(options.shape ?? []) } }),
      requests: requestsOf(options, requests),
    },
    seed: config.gate.seed,
    maxFailureRatio: config.gate.maxFailureRatio,
    runnerClass: config.gate.runnerClass,
    ...(trace === null ? {} : { onWindows: trace.add }),
    save: (measured) => save(renderJson(measured)),
  })
  if (options.compatible !== undefined) shell.out(trace?.figures() ?? '')
  else shell.out(options.json === true ? renderJson(measurements) : table(measurements))
  const failed = measurements.models
    .flatMap((model) => model.scenarios)
    .filter((each) => each.status === 'failed')
  for (const warning of measurements.warnings) shell.err(`warning: ${warning}\n`)
  for (const scenario of failed) shell.err(`error: ${scenario.error}\n`)
  return failed.length === 0 ? exitCodes.pass : exitCodes.environment
}

/** What is made of the single requests; null where nobody asks for them. */
function traceOf(shell: Shell, options: MeasureOptions) {
  const { requestLog, compatible, engine, model } = options
  if (requestLog === undefined && compatible === undefined) return null
  if (engine === 'perf_analyzer') {
    throw new GateError('usage', '--request-log and --compatible are of the built-in engine', {
      hint: 'perf_analyzer keeps its requests to itself, and its figures are its own: leave out --engine.',
    })
  }
  const save = requestLog === undefined ? null : saverOf(resolve(shell.cwd, requestLog), '--request-log')
  const loads: (LoggedLoad & { readonly load: Load })[] = []
  return {
    add: (load: Load, windows: readonly Window[]) => {
      const kept = windows.map(({ durationNs, log }) => ({
        durationNs,
        ...(log === undefined ? {} : { log }),
      }))
      loads.push({ load, loadKey: loadKey(load), windows: kept })
      save?.(renderRequestLog(loads))
    },
    figures: () => {
      const levels = loads.map(({ load, windows }) => ({
        load,
        ...perfAnalyzerFigures(windows, batchSizeOf(load)),
      }))
      if (options.json === true)
        return `${JSON.stringify({ model, rules: 'perf_analyzer', levels }, null, 2)}\n`
      const ofLevel = ({ load, inferPerSec, ...level }: (typeof levels)[number]) => {
        const latency = (value: number | null) => (value === null ? 'n/a' : formatMs(value))
        const { latencyP50Ns, latencyP90Ns, latencyP95Ns, latencyP99Ns } = level
        return (
          `${model}, ${loadLabel(load)}, as perf_analyzer counts: ${formatThroughput(inferPerSec)}, ` +
          `p50 ${latency(latencyP50Ns)}, p90 ${latency(latencyP90Ns)}, p95 ${latency(latencyP95Ns)}, p99 ${latency(latencyP99Ns)}\n`
        )
      }
      return levels.map(ofLevel).join('')
    },
  }
}

function untilOf(options: MeasureOptions): RunningInput['until'] {
  const { intervalWidth, maxDuration } = options
  // A count ends by itself, whatever the time.
  const asked = options.duration ?? (options.requestCount === undefined ? null : '5s')
  if (asked !== null) return { kind: 'duration', durationNs: duration('--duration', asked) }
  return {
    kind: 'trustworthy',
    intervalWidth: positive('--interval-width', intervalWidth) / 100,
    maxNs: duration('--max-duration', maxDuration),
  }
}

function loadsOf(options: MeasureOptions): Load[] {
  const batchSize = positiveWhole('--batch-size', options.batchSize)
  const batch = batchSize === 1 ? {} : { batchSize }
  const closed = listOf(options.concurrency ?? '').map(
    (text): Load => ({ mode: 'concurrency', concurrency: positiveWhole('--concurrency', text), ...batch }),
  )
  const open = listOf(options.requestRate ?? '').map(
    (text): Load => ({
      mode: 'requestRate',
      requestRate: positive('--request-rate', text),
      distribution: options.requestDistribution,
      ...batch,
    }),
  )
  const loads = [...closed, ...open]
  return loads.length === 0 ? [{ mode: 'concurrency', concurrency: 1, ...batch }] : loads
}

function requestsOf(options: MeasureOptions, defaults: RequestSettings): RequestSettings {
  const { numOfSequences, sequenceLength } = options
  const { sequences } = defaults
  return {
    ...defaults,
    streaming: options.streaming ?? defaults.streaming,
    sequences: {
      ...sequences,
      count:
        numOfSequences === undefined ? sequences.count : positiveWhole('--num-of-sequences', numOfSequences),
      length:
        sequenceLength === undefined ? sequences.length : positiveWhole('--sequence-length', sequenceLength),
    },
  }
}

function countOf(flag: string, text: string | undefined): number | null {
  return text === undefined ? null : positiveWhole(flag, text)
}

/** `INPUT:3,224,224`, as perf_analyzer's --shape. */
function shapesOf(texts: readonly string[]): Record<string, number[]> {
  return Object.fromEntries(
    texts.map((text) => {
      const colon = text.lastIndexOf(':')
      if (colon <= 0) throw new GateError('usage', `--shape: '${text}' is not of the form INPUT:3,224,224`)
      return [text.slice(0, colon), listOf(text.slice(colon + 1)).map((dim) => positiveWhole('--shape', dim))]
    }),
  )
}

/** Checks before anything is measured that the file can be written. */
function saverOf(file: string, flag: string): (text: string) => void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.tmp`, '')
    rmSync(`${file}.tmp`)
  } catch (error) {
    throw new GateError('environment', `${file} cannot be written: ${messageOf(error)}`, {
      hint: `Name a writable file with ${flag}.`,
      cause: error,
    })
  }
  return (text) => writeWhole(file, text)
}

function table(measurements: Measurements): string {
  const lines = measurements.models.flatMap((model) =>
    model.scenarios.map(({ load, metrics }) => {
      const { inferPerSec, latencyP50Ns, latencyP99Ns, timeToFirstResponseP99Ns, responsesPerSec } = metrics
      const latency = (value: typeof latencyP50Ns) => (value?.value == null ? 'n/a' : formatMs(value.value))
      const throughput = inferPerSec?.value == null ? 'n/a' : formatThroughput(inferPerSec.value)
      const first =
        responsesPerSec?.value == null
          ? ''
          : `, first response p99 ${latency(timeToFirstResponseP99Ns)}, ${formatMetric('responsesPerSec', responsesPerSec.value)}`
      return `${model.name}, ${loadLabel(load)}: ${throughput}, p50 ${latency(latencyP50Ns)}, p99 ${latency(latencyP99Ns)}${first}`
    }),
  )
  return `${lines.join('\n')}\n`
}
