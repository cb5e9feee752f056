import type { JsonObject } from '@bufbuild/protobuf'
import type { AcceptedRegression } from '../domain/accepted.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { IgnoredKey } from '../domain/ignored-key.ts'
import type { Load } from '../domain/load.ts'
import type { MetricName } from '../domain/metric.ts'
import type { ConfigOverrides } from './overrides.ts'

/**
 * The configuration after reading: defaults filled in, units converted (ns, bytes, ratios), shorthands
 * such as `latency_budget` turned into constraints, per-model settings resolved over the global ones.
 */
export interface Config {
  /** The file it came from; null where there was none. */
  readonly file: string | null
  readonly modelRepository: string | null
  /** The models to gate, in order; null = every model of the repository. */
  readonly models: readonly string[] | null
  /** Whether they are on one server and under load at once, each load with the others' beside it. */
  readonly concurrently: boolean
  /** The models that Python code calls (business logic scripting). */
  readonly blsComposingModels: readonly string[]
  /** Every place where the file names a composing model: `ensemble_composing_models.preprocess`. */
  readonly composingModelsNamed: readonly { readonly key: string; readonly name: string }[]
  /** How a composing model is varied with the model that needs it; the mode is that one's. */
  readonly composingSettingsFor: (model: string) => ComposingSettings
  /** Settings of a model: its own under `profile_models`, else the global ones. */
  readonly settingsFor: (model: string) => ModelSettings
  /** The models that have input data of their own under `gate.inputs`. */
  readonly inputModels: readonly string[]
  /** The models that have a demand of their own under `gate.demand`. */
  readonly demandModels: readonly string[]
  readonly gate: GateSettings
  readonly triton: TritonSettings
  readonly perfAnalyzer: PerfAnalyzerSettings
  /** What stood above the file when it was read. */
  readonly overrides: ConfigOverrides
  /** Keys that have no effect here, whatever else the file says. */
  readonly ignoredKeys: readonly IgnoredKey[]
  /** What else was read and is not as it may seem, a sentence each. */
  readonly warnings: readonly string[]
}

export interface ComposingSettings {
  readonly search: SearchSettings
  /** Its variants' instances are on the CPU. */
  readonly cpuOnly: boolean
}

export interface ModelSettings {
  /** The gated loads; default closed loop, concurrency 1 and 8. */
  readonly loads: readonly Load[]
  readonly objectives: readonly Objective[]
  readonly constraints: readonly Constraint[]
  readonly search: SearchSettings
  readonly input: InputSettings
  readonly requests: RequestSettings
  readonly counts: CountSettings
  readonly perfAnalyzerFlags: PerfAnalyzerFlags
  /** Tolerated change for the worse by metric: relative, and at least `absolute` in the metric's unit. */
  readonly tolerance: Readonly<
    Partial<Record<MetricName, { readonly ratio: number; readonly absolute: number }>>
  >
  readonly cpuOnly: boolean
  /** What the model counts in the sweep of models that are measured concurrently, relative to the others. */
  readonly weighting: number
  /** What users will ask of it, for what its capacity means in GPUs; null = not said. */
  readonly demandInferPerSec: number | null
}

/** Model Analyzer's tag with its metric. A tag such as `gpu_used_memory` is the sum over GPUs. */
export interface Objective {
  readonly name: string
  readonly metric: MetricName
  readonly weight: number
}

export interface Constraint {
  readonly name: string
  readonly metric: MetricName
  readonly bound: 'max' | 'min'
  /** In the metric's own unit. A value on the limit passes. */
  readonly limit: number
}

export interface Range {
  readonly min: number
  readonly max: number
}

export interface RequestRates {
  readonly rates: readonly number[]
  readonly distribution: 'constant' | 'poisson'
  /** Whether the user lists them. */
  readonly listed: boolean
}

/** Instance groups that are tried, of one configuration. */
export interface InstanceGroups {
  /** Of all groups; null = searched. */
  readonly count: number | null
  /** As protobuf's JSON, a single one without its count; null = as in config.pbtxt. */
  readonly groups: readonly JsonObject[] | null
}

/** How a listed dynamic batcher may wait; null = as in config.pbtxt. */
interface ListedQueue {
  readonly preferredBatchSizes: readonly number[] | null
  readonly maxQueueDelayMicroseconds: number | null
}

export interface SearchSettings {
  readonly mode: 'quick' | 'brute' | 'manual' | 'off'
  /** Composing models, one of which the model must need to be searched at all: it is for their lists only; null = it is searched. */
  readonly onlyWith: readonly string[] | null
  readonly instanceCount: Range
  readonly modelBatchSize: Range
  readonly concurrency: Range
  /** Concurrencies in place of the range's powers of two: those of the gated loads, where lists or brute say all that is tried. */
  readonly concurrencies: readonly number[] | null
  /** Requests per second that are tried in place of concurrencies; null = closed loops. */
  readonly requestRates: RequestRates | null
  /** How the model is served, where the user says so: it changes what is tried and sought by default. */
  readonly serving: 'online' | 'offline' | null
  /** Inferences in one request, each tried at every load: the listed `batch_sizes`. */
  readonly clientBatchSizes: readonly number[]
  /** Explicit lists from `model_config_parameters`; a missing one is searched. */
  readonly instanceCounts: readonly number[] | null
  /** The same where any of them says more than a count; null where none does. */
  readonly instanceGroups: readonly InstanceGroups[] | null
  readonly maxBatchSizes: readonly number[] | null
  readonly dynamicBatching: readonly boolean[] | null
  /** How the batcher may wait. */
  readonly queues: readonly ListedQueue[] | null
  /** Values of other fields of ModelConfig in all combinations; null = none is listed. */
  readonly otherFields: readonly NonNullable<Configuration['fields']>[] | null
  /** One configuration at one load, once; infinite where only the time is bounded. */
  readonly maxMeasurements: number
  /** Measurements after the search that bisect for the capacity, for each of two configurations. */
  readonly capacitySteps: number
}

/** Where the values of one input come from, under `gate.inputs`. It goes before what is said of all inputs. */
export type InputSource =
  /** Random from `min` to `max`; both ends are possible for integers. */
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  | { readonly kind: 'constant'; readonly value: InputValue }
  /** All elements of a request of batch 1, row-major. */
  | { readonly kind: 'values'; readonly values: readonly InputValue[] }
  | { readonly kind: 'file'; readonly path: string }

type InputValue = number | boolean | string

export interface InputSettings {
  /** Shapes of inputs with dynamic dimensions, without the batch dimension. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  /** Of inputs without a source of their own. `files`: what `files` hold. */
  readonly data: 'random' | 'zero' | 'files'
  /** Absolute paths of one folder, or of files in perf_analyzer's JSON; empty unless `data` is `files`. */
  readonly files: readonly string[]
  /** By the input's name. */
  readonly sources: Readonly<Record<string, InputSource>>
  readonly stringLength: number
  readonly stringData: string | null
  readonly seed: number
  /** null = tensors go over the wire. */
  readonly sharedMemory: SharedMemorySettings | null
}

interface SharedMemorySettings {
  /** Room for an output of unknown size, for each inference of a request. */
  readonly outputBytes: number
}

/** How a model is asked, in perf_analyzer's terms. */
export interface RequestSettings {
  /** Over ModelStreamInfer; decoupled models are asked that way in any case. */
  readonly streaming: boolean
  readonly sequences: SequenceSettings
  /** What answers are compared with, byte by byte: `given` is the validation data, where there are any. */
  readonly checkOutputs: 'off' | 'given' | 'first'
}

/** For models with sequence batching. */
export interface SequenceSettings {
  /** Live at a time in an open loop. */
  readonly count: number
  /** Requests in a sequence; null = 20, or as the input data's streams are. */
  readonly length: number | null
  /** Lengths lie within this share of it. */
  readonly lengthVariation: number
  /** Correlation ids from here to before `endId`; null = as far as their type goes. */
  readonly firstId: number
  readonly endId: number | null
  readonly serial: boolean
  /** What the configuration says of `serial`; null = nothing. */
  readonly serialAsked: boolean | null
}

/** Fixed numbers of requests in place of times, as perf_analyzer's `--request-count`; null = by time. */
export interface CountSettings {
  readonly requestCount: number | null
  readonly warmupRequestCount: number | null
}

/** Flags that go to perf_analyzer as they are, without the dashes; true for one without a value, false for none. */
export type PerfAnalyzerFlags = Readonly<Record<string, string | number | boolean>>

/** Which perf_analyzer is run where it is the engine. */
export interface PerfAnalyzerSettings {
  /** A path, or a name to be found in PATH. */
  readonly path: string
  readonly timeoutNs: number
}

export interface GateSettings {
  /** What makes the load: the gate's own generator, or perf_analyzer. */
  readonly engine: 'builtin' | 'perf_analyzer'
  /** Fresh-server repetitions on each side. */
  readonly repetitions: number
  readonly warmupNs: number
  /** Least measured time of one load in one repetition on one side. */
  readonly measurementNs: number
  readonly blockNs: number
  /** For the whole run; null = 300 s per model. */
  readonly timeBudgetNs: number | null
  readonly onInconclusive: 'warn' | 'fail'
  readonly onMissingBaseline: 'inconclusive' | 'fail'
  /** The two policies as they are where a release is judged. */
  readonly release: Pick<GateSettings, 'onInconclusive' | 'onMissingBaseline'>
  /** Regressions that are expected. */
  readonly accepted: readonly AcceptedRegression[]
  /** Whether a model is measured alone first where the history of the baseline may show that nothing changed. */
  readonly screening: 'history' | 'off'
  /** What a trend for the worse since the last release does to a release. */
  readonly onCreep: 'warn' | 'fail'
  /** Whether the time that is left is spent on why a model got worse. */
  readonly attribution: 'auto' | 'off'
  /** Share of failed requests above which a repetition is void and its scenario invalid. */
  readonly maxFailureRatio: number
  readonly runnerClass: string | null
  /** What other runs on this host keep their hands off while this one measures, and how long this one waits for it. */
  readonly exclusive: 'gpu' | 'host' | 'off'
  readonly exclusiveWaitNs: number
  /** In MHz, or as the driver has it by default; null = clocks run free. */
  readonly lockGpuClocks: number | 'default' | null
  readonly lockGpuMemoryClocks: number | null
  readonly seed: number
}

export interface TritonSettings {
  readonly mode: 'auto' | 'embedded' | 'local' | 'docker' | 'remote'
  /** `grpc://host:port`, `grpcs://host:port`; null unless remote. */
  readonly url: string | null
  readonly metricsUrl: string | null
  readonly serverPath: string
  readonly image: string
  readonly dockerArgs: readonly string[]
  /** `auto` = docker, or podman where only that works. */
  readonly containerEngine: 'auto' | 'docker' | 'podman'
  readonly dockerNetwork: 'bridge' | 'host'
  /** `user[:group]`; null = the gate's own, or the image's where the gate is root. */
  readonly dockerUser: string | null
  readonly gpus: readonly string[] | null
  /** Of the remote server. */
  readonly endpointSettings: EndpointSettings
  readonly serverFlags: Readonly<Record<string, string>>
  readonly serverEnvironment: Readonly<Record<string, string>>
  /** Longest wait for the server to be ready, and for one model to load. */
  readonly startTimeoutNs: number
  readonly loadTimeoutNs: number
}

/** How a remote server is spoken to, beside its address. Files are absolute paths; null = none. */
export interface EndpointSettings {
  /** As `grpcs://` in the address. */
  readonly useSsl: boolean
  readonly rootCertificatesFile: string | null
  readonly privateKeyFile: string | null
  readonly certificateChainFile: string | null
  /** Sent with every call; a value, or the environment variable that has it. */
  readonly metadata: Readonly<Record<string, string | { readonly env: string }>>
}
