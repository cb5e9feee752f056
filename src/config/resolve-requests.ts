import type { Load } from '../domain/load.ts'
import { besideConfig } from './beside-config.ts'
import type { CountSettings, InputSettings, InputSource, RequestSettings } from './config.ts'
import {
  defaultConcurrency,
  defaultInput,
  defaultOutputSharedMemoryBytes,
  defaultRequests,
} from './defaults.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigFile, ModelEntry } from './schema.ts'

/** A model that lists loads of its own has none of the global ones. */
export function resolveLoads(file: ConfigFile, entry: ModelEntry): Load[] {
  const { parameters = {} } = entry
  const own = parameters.concurrency !== undefined || parameters.request_rate !== undefined
  const { concurrency, request_rate: rates } = own ? parameters : file
  const batchSizes = parameters.batch_sizes ?? file.batch_sizes ?? [1]
  const distribution =
    entry.perf_analyzer_flags?.['request-distribution'] ?? file.perf_analyzer_flags?.['request-distribution']
  const loads: Load[] =
    rates === undefined
      ? (concurrency ?? defaultConcurrency).map((count) => ({ mode: 'concurrency', concurrency: count }))
      : rates.map((rate) => ({
          mode: 'requestRate',
          requestRate: rate,
          ...(distribution === 'poisson' ? { distribution } : {}),
        }))
  return batchSizes.flatMap((batchSize) =>
    loads.map((load) => (batchSize === 1 ? load : { ...load, batchSize })),
  )
}

export function resolveCounts(file: ConfigFile, entry: ModelEntry): CountSettings {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  return {
    requestCount: flags['request-count'] ?? null,
    warmupRequestCount: flags['warmup-request-count'] ?? null,
  }
}

export function resolveInput(
  path: string | null,
  file: ConfigFile,
  entry: ModelEntry,
  overrides: ConfigOverrides,
  seed: number,
): InputSettings {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  const inFile = flags['input-data']?.map((word) => (isDataWord(word) ? word : besideConfig(path, word)))
  const words = overrides.inputData ?? inFile ?? [defaultInput.data]
  const [word = defaultInput.data] = words
  const sharedMemory = overrides.sharedMemory ?? flags['shared-memory']
  return {
    shapes: flags.shape === undefined ? defaultInput.shapes : Object.fromEntries(flags.shape),
    ...(words.length === 1 && isDataWord(word)
      ? { data: word, files: [] }
      : { data: 'files' as const, files: words }),
    sources: defaultInput.sources,
    stringLength: flags['string-length'] ?? defaultInput.stringLength,
    stringData: flags['string-data'] ?? defaultInput.stringData,
    seed,
    sharedMemory:
      sharedMemory === 'system'
        ? { outputBytes: flags['output-shared-memory-size'] ?? defaultOutputSharedMemoryBytes }
        : defaultInput.sharedMemory,
  }
}

/** perf_analyzer's words for data that is made; anything else is a path. */
export function isDataWord(word: string): word is 'random' | 'zero' {
  return word === 'random' || word === 'zero'
}

export function resolveSources(
  path: string | null,
  inputs: Readonly<Record<string, InputSource>>,
): Record<string, InputSource> {
  return Object.fromEntries(
    Object.entries(inputs).map(([input, source]) => [
      input,
      source.kind === 'file' ? { ...source, path: besideConfig(path, source.path) } : source,
    ]),
  )
}

export function resolveRequests(file: ConfigFile, entry: ModelEntry): RequestSettings {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  const { sequences } = defaultRequests
  const range = flags['sequence-id-range']
  const variation = flags['sequence-length-variation']
  return {
    streaming: flags.streaming ?? defaultRequests.streaming,
    sequences: {
      count: flags['num-of-sequences'] ?? sequences.count,
      length: flags['sequence-length'] ?? sequences.length,
      lengthVariation: variation === undefined ? sequences.lengthVariation : variation / 100,
      firstId: range?.start ?? flags['start-sequence-id'] ?? sequences.firstId,
      endId: range?.end ?? sequences.endId,
      serial: flags['serial-sequences'] ?? sequences.serial,
      serialAsked: flags['serial-sequences'] ?? sequences.serialAsked,
    },
    checkOutputs: file.gate?.check_outputs ?? defaultRequests.checkOutputs,
  }
}
