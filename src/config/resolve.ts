import type { Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { resolveAccepted } from './accepted.ts'
import { besideConfig } from './beside-config.ts'
import { pairedLoads } from './concurrent.ts'
import type {
  ComposingSettings,
  Config,
  Constraint,
  CountSettings,
  GateSettings,
  InputSettings,
  InputSource,
  ModelSettings,
  Objective,
  PerfAnalyzerFlags,
  PerfAnalyzerSettings,
  RequestSettings,
} from './config.ts'
import {
  defaultConcurrency,
  defaultGate,
  defaultInput,
  defaultObjectives,
  defaultOutputSharedMemoryBytes,
  defaultPerfAnalyzer,
  defaultRequests,
  defaultWeighting,
  onlineObjectives,
} from './defaults.ts'
import { passedPerfAnalyzerFlags } from './ignored-keys.ts'
import { type ConstraintTag, constraintTags, type MetricTag, metricTags } from './metric-tags.ts'
import type { ConfigOverrides } from './overrides.ts'
import { resolveComposingSearch, resolveSearch } from './resolve-search.ts'
import { resolveTolerance } from './resolve-tolerance.ts'
import { resolveTriton } from './resolve-triton.ts'
import type { ComposingEntry, ConfigFile, ModelEntry } from './schema.ts'

/** Flags over file over defaults, in the units of the program. `warnings` gets what is found on the way. */
export function resolve(
  path: string | null,
  file: ConfigFile,
  overrides: ConfigOverrides,
  warnings: string[],
): Config {
  const gate = resolveGate(file, overrides)
  const tolerance = resolveTolerance(file, null)
  const entries = file.profile_models ?? {}
  const demand = file.gate?.demand
  const settingsOf = (entry: ModelEntry, name: string | null): ModelSettings => ({
    loads: resolveLoads(file, entry),
    objectives: resolveObjectives(
      entry.objectives ?? file.objectives ?? objectivesByDefault(file, entry, overrides),
    ),
    constraints: resolveConstraints(file, entry, overrides),
    search: resolveSearch(file, entry, overrides, name, warnings),
    input: resolveInput(path, file, entry, overrides, gate.seed),
    requests: resolveRequests(file, entry),
    counts: resolveCounts(file, entry),
    perfAnalyzerFlags: passedFlags(file, entry),
    tolerance,
    cpuOnly: entry.cpu_only ?? false,
    weighting: entry.weighting ?? defaultWeighting,
    demandInferPerSec: null,
  })
  const general = settingsOf({}, null)
  warnings.push(...(gate.engine === 'builtin' ? unusedFlagWarnings(file) : unusedCountWarnings(file)))
  const own = new Map(Object.entries(entries).map(([name, entry]) => [name, settingsOf(entry, name)]))
  const sources = new Map(
    Object.entries(file.gate?.inputs ?? {}).map(([name, inputs]) => [name, resolveSources(path, inputs)]),
  )
  const composingOf = (entry: ComposingEntry): ComposingSettings => ({
    search: resolveComposingSearch(file, entry, overrides),
    cpuOnly: entry.cpu_only ?? false,
  })
  const anyComposing = composingOf({})
  const listed = (['bls_composing_models', 'ensemble_composing_models'] as const).flatMap((place) =>
    Object.entries(file[place] ?? {}).map(([name, entry]) => ({ key: `${place}.${name}`, name, entry })),
  )
  const models = overrides.models ?? (file.profile_models === undefined ? null : [...own.keys()])
  const concurrently = file.run_config_profile_models_concurrently_enable ?? false
  if (!concurrently) warnings.push(...unusedWeightWarnings(entries))
  const paired = concurrently
    ? pairedLoads((models ?? []).map((model) => ({ model, loads: (own.get(model) ?? general).loads })))
    : null
  const composing = new Map(listed.map(({ name, entry }) => [name, composingOf(entry)]))
  const onCpu = (file.cpu_only_composing_models ?? []).map((name) => ({
    key: `cpu_only_composing_models.${name}`,
    name,
  }))
  return {
    file: path,
    modelRepository: overrides.modelRepository ?? file.model_repository ?? null,
    models,
    concurrently,
    blsComposingModels: Object.keys(file.bls_composing_models ?? {}),
    composingModelsNamed: [...listed.map(({ key, name }) => ({ key, name })), ...onCpu],
    composingSettingsFor: (model) => {
      const settings = composing.get(model) ?? anyComposing
      return onCpu.some(({ name }) => name === model) ? { ...settings, cpuOnly: true } : settings
    },
    settingsFor: (model) => {
      const settings = own.get(model) ?? general
      return {
        ...settings,
        loads: paired?.get(model) ?? settings.loads,
        input: { ...settings.input, sources: sources.get(model) ?? {} },
        tolerance: resolveTolerance(file, model),
        demandInferPerSec: (typeof demand === 'number' ? demand : demand?.[model]) ?? null,
      }
    },
    inputModels: [...sources.keys()],
    demandModels: typeof demand === 'object' ? Object.keys(demand) : [],
    gate,
    triton: resolveTriton(path, file, overrides),
    perfAnalyzer: resolvePerfAnalyzer(file, overrides),
    overrides,
    warnings,
  }
}

function resolveGate({ gate = {} }: ConfigFile, overrides: ConfigOverrides): GateSettings {
  const scaled = (value: number | undefined, factor: number) =>
    value === undefined ? undefined : Math.round(value * factor)
  const release = {
    onInconclusive: gate.release?.on_inconclusive ?? defaultGate.release.onInconclusive,
    onMissingBaseline: gate.release?.on_missing_baseline ?? defaultGate.release.onMissingBaseline,
  }
  const usual = {
    onInconclusive: gate.on_inconclusive ?? defaultGate.onInconclusive,
    onMissingBaseline: gate.on_missing_baseline ?? defaultGate.onMissingBaseline,
  }
  const policies = overrides.release === true ? release : usual
  return {
    engine: overrides.engine ?? gate.engine ?? defaultGate.engine,
    repetitions: overrides.repetitions ?? gate.repetitions ?? defaultGate.repetitions,
    warmupNs: scaled(gate.warmup_seconds, nsPerSecond) ?? defaultGate.warmupNs,
    measurementNs: scaled(gate.measurement_seconds, nsPerSecond) ?? defaultGate.measurementNs,
    blockNs: scaled(gate.block_milliseconds, nsPerMs) ?? defaultGate.blockNs,
    timeBudgetNs: overrides.timeBudgetNs ?? gate.time_budget ?? defaultGate.timeBudgetNs,
    onInconclusive: overrides.onInconclusive ?? policies.onInconclusive,
    onMissingBaseline: overrides.onMissingBaseline ?? policies.onMissingBaseline,
    release,
    accepted: (gate.accepted ?? []).map(resolveAccepted),
    screening: gate.screening ?? defaultGate.screening,
    onCreep: gate.on_creep ?? defaultGate.onCreep,
    attribution: gate.attribution ?? defaultGate.attribution,
    maxFailureRatio: gate.max_failure_ratio ?? defaultGate.maxFailureRatio,
    runnerClass: overrides.runnerClass ?? gate.runner_class ?? defaultGate.runnerClass,
    exclusive: gate.exclusive ?? defaultGate.exclusive,
    exclusiveWaitNs: gate.exclusive_wait ?? defaultGate.exclusiveWaitNs,
    lockGpuClocks: gate.lock_gpu_clocks ?? defaultGate.lockGpuClocks,
    lockGpuMemoryClocks: gate.lock_gpu_memory_clocks ?? defaultGate.lockGpuMemoryClocks,
    seed: overrides.seed ?? gate.seed ?? defaultGate.seed,
  }
}

/** A model that lists loads of its own has none of the global ones. */
function resolveLoads(file: ConfigFile, entry: ModelEntry): Load[] {
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

/** Where latency is limited, throughput within the limits is what is sought; else a mode that cares for latency says so here. */
function objectivesByDefault(file: ConfigFile, entry: ModelEntry, overrides: ConfigOverrides) {
  const isOnline = (overrides.mode ?? file.gate?.mode) === 'online'
  const limited = resolveConstraints(file, entry, overrides).some(({ metric }) =>
    metric.startsWith('latency'),
  )
  return isOnline && !limited ? onlineObjectives : defaultObjectives
}

function resolveObjectives(weights: Partial<Record<MetricTag, number | undefined>>): Objective[] {
  return Object.entries(weights).flatMap(([name, weight]) =>
    weight === undefined ? [] : [{ name, metric: metricTags[name as MetricTag], weight }],
  )
}

/** A model's constraints replace the global ones; the two shorthands go into both. */
function resolveConstraints(file: ConfigFile, entry: ModelEntry, overrides: ConfigOverrides): Constraint[] {
  const limits: Partial<Record<ConstraintTag, number | undefined>> = {
    ...(entry.constraints ?? file.constraints),
  }
  const latencyBudgetMs = overrides.latencyBudgetMs ?? file.latency_budget
  const minThroughput = overrides.minThroughput ?? file.min_throughput
  if (latencyBudgetMs !== undefined) {
    delete limits.perf_latency
    limits.perf_latency_p99 = latencyBudgetMs
  }
  if (minThroughput !== undefined) limits.perf_throughput = minThroughput
  return Object.entries(limits).flatMap(([name, limit]) => {
    const { bound, factor } = constraintTags[name as ConstraintTag]
    return limit === undefined
      ? []
      : [{ name, metric: metricTags[name as ConstraintTag], bound, limit: limit * factor }]
  })
}

function resolveCounts(file: ConfigFile, entry: ModelEntry): CountSettings {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  return {
    requestCount: flags['request-count'] ?? null,
    warmupRequestCount: flags['warmup-request-count'] ?? null,
  }
}

function resolveInput(
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

function resolveRequests(file: ConfigFile, entry: ModelEntry): RequestSettings {
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

/** perf_analyzer's words for data that is made; anything else is a path. */
export function isDataWord(word: string): word is 'random' | 'zero' {
  return word === 'random' || word === 'zero'
}

function resolveSources(
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

function resolvePerfAnalyzer(file: ConfigFile, overrides: ConfigOverrides): PerfAnalyzerSettings {
  const seconds = file.perf_analyzer_timeout
  return {
    path: overrides.perfAnalyzerPath ?? file.perf_analyzer_path ?? defaultPerfAnalyzer.path,
    timeoutNs: seconds === undefined ? defaultPerfAnalyzer.timeoutNs : Math.round(seconds * nsPerSecond),
  }
}

/** What perf_analyzer is told beside load and data: flags for it alone, and those that the gate's own load follows as well. */
function passedFlags(file: ConfigFile, entry: ModelEntry): PerfAnalyzerFlags {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  const range = flags['sequence-id-range']
  const own = ownFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const]))
  return {
    ...flagsForPerfAnalyzer(flags),
    ...Object.fromEntries(own),
    ...(range === undefined
      ? {}
      : { 'sequence-id-range': range.end === null ? range.start : `${range.start}:${range.end}` }),
  }
}

const ownFlags = [
  'streaming',
  'num-of-sequences',
  'sequence-length',
  'sequence-length-variation',
  'start-sequence-id',
  'serial-sequences',
  'shared-memory',
  'output-shared-memory-size',
] as const

function flagsForPerfAnalyzer(flags: NonNullable<ConfigFile['perf_analyzer_flags']>): PerfAnalyzerFlags {
  return Object.fromEntries(
    passedPerfAnalyzerFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
  )
}

function unusedWeightWarnings(entries: Readonly<Record<string, ModelEntry>>): string[] {
  const names = Object.keys(entries).filter((name) => entries[name]?.weighting !== undefined)
  return names.map(
    (name) =>
      `profile_models.${name}.weighting: no effect without run_config_profile_models_concurrently_enable`,
  )
}

/** perf_analyzer divides a fixed number of requests by whole seconds: it measures by time instead. */
function unusedCountWarnings(file: ConfigFile): string[] {
  const entries: ModelEntry[] = [file, ...Object.values(file.profile_models ?? {})]
  const names = (['request-count', 'warmup-request-count'] as const).filter((name) =>
    entries.some(({ perf_analyzer_flags: flags }) => flags?.[name] !== undefined),
  )
  return names.map((name) => `perf_analyzer_flags.${name}: no effect with gate.engine: perf_analyzer`)
}

function unusedFlagWarnings(file: ConfigFile): string[] {
  const entries: ModelEntry[] = [file, ...Object.values(file.profile_models ?? {})]
  const names = new Set(
    entries.flatMap(({ perf_analyzer_flags: flags = {} }) => Object.keys(flagsForPerfAnalyzer(flags))),
  )
  return [...names].map(
    (name) => `perf_analyzer_flags.${name}: no effect: it needs gate.engine: perf_analyzer`,
  )
}
