import { defaultTolerance, type MetricName } from '../domain/metric.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type {
  GateSettings,
  InputSettings,
  RequestSettings,
  SearchSettings,
  TritonSettings,
} from './config.ts'

/** Concurrency 1 shows the latency without waiting; 8 keeps several instances busy: going from 2 to 1 cannot be seen at 1. */
export const defaultConcurrency = [1, 8] as const

/** Model Analyzer's own: every model counts alike. */
export const defaultWeighting = 1

/** Model Analyzer's own default. */
export const defaultObjectives = { perf_throughput: 10 } as const

/**
 * Online, where no latency is limited: throughput over latency, which is largest where queueing begins (Kleinrock 1979,
 * "Power and deterministic rules of thumb"). Throughput alone would choose the heaviest load, whatever a request waits.
 */
export const onlineObjectives = { perf_throughput: 10, perf_latency_p99: 10 } as const

/** Model Analyzer's: rates double from the least to the most. */
export const defaultRequestRate = { min: 16, max: 8192 } as const

/** Offline a request is a batch: a client with 8 batches of 128 keeps as many inferences outstanding as 1024 clients online. */
export const offlineConcurrency = { min: 1, max: 8 } as const

export const defaultSearch = {
  // Quick finds a good configuration in tens of measurements where the whole grid takes hundreds: this runs in CI.
  mode: 'quick',
  onlyWith: null,
  // The three ranges are Model Analyzer's.
  instanceCount: { min: 1, max: 5 },
  modelBatchSize: { min: 1, max: 128 },
  concurrency: { min: 1, max: 1024 },
  concurrencies: null,
  requestRates: null,
  serving: null,
  // As in Model Analyzer, and for online use: a request of one inference.
  clientBatchSizes: [1],
  instanceCounts: null,
  instanceGroups: null,
  maxBatchSizes: null,
  dynamicBatching: null,
  queues: null,
  otherFields: null,
  // About two minutes at the default measuring times, load included: what the time budget of a model leaves.
  maxMeasurements: 20,
  // Model Analyzer's; four are enough between doubling loads, and five for a limit that lies beyond what was tried.
  capacitySteps: 5,
} as const satisfies SearchSettings

export const defaultInput = {
  shapes: {},
  data: 'random',
  files: [],
  sources: {},
  // perf_analyzer's default.
  stringLength: 128,
  stringData: null,
  sharedMemory: null,
} as const satisfies Omit<InputSettings, 'seed'>

/** perf_analyzer's defaults, where it has the setting. */
export const defaultRequests = {
  streaming: false,
  sequences: {
    count: 4,
    length: null,
    lengthVariation: 0.2,
    firstId: 1,
    endId: null,
    serial: false,
    serialAsked: null,
  },
  // Who gives validation data wants them checked. `first` would fail every model with random outputs.
  checkOutputs: 'given',
} as const satisfies RequestSettings

/** perf_analyzer's default, 100 KiB. */
export const defaultOutputSharedMemoryBytes = 102_400

export const defaultGate = {
  // As light as perf_analyzer, in blocks that alternate, with requests that fail counted: see docs/adr.
  engine: 'builtin',
  // At most: a measurement ends after 4 or 8 where that decides. At a spread of 5 % between pairs 14 find twice the
  // tolerance nine times in ten (docs/statistics.md); on a quiet machine 8 prove that nothing changed.
  repetitions: 14,
  // First requests pay for lazy allocation and connection set-up, which is over within a second.
  warmupNs: 1 * nsPerSecond,
  // Above the 299 requests that a p99 needs from 150 requests/s on.
  measurementNs: 2 * nsPerSecond,
  // Short against drifts of the machine's speed, long enough for 100 requests at 200 requests/s.
  blockNs: 500 * nsPerMs,
  timeBudgetNs: null,
  // A pull request should not be blocked by a noisy machine; a release may say `fail`.
  onInconclusive: 'warn',
  // Without a baseline nothing has been compared, which is no pass; the first run must not fail either.
  onMissingBaseline: 'inconclusive',
  // Nobody looks at a release again once it is out: what was not shown to be as good as the last one is not released.
  release: { onInconclusive: 'fail', onMissingBaseline: 'fail' },
  accepted: [],
  // A release is compared with the last one as a whole, by measuring both: the history adds where it came from.
  onCreep: 'warn',
  // Only a confirmed regression costs its time, which is there; what to revert is the next question then.
  attribution: 'auto',
  // Where the history is quiet enough, a harmless pull request is done in a third of the time.
  screening: 'history',
  // A request that fails is missing from the latencies: if the slowest 1 % fail, p99 becomes the old p98, and slower looks
  // faster. A tenth of what p99 leaves out moves it little; below 1000 requests in a repetition none may fail.
  maxFailureRatio: 0.001,
  runnerClass: null,
  // Two runs on one GPU measure each other. On a CPU-only host much else runs beside us anyway: the report says how much.
  exclusive: 'gpu',
  // Six models at 300 s each; a runner that is held longer than that for nothing should say so.
  exclusiveWaitNs: 30 * 60 * nsPerSecond,
  lockGpuClocks: null,
  lockGpuMemoryClocks: null,
  // Any fixed number makes a run repeatable; it is recorded with the results.
  seed: 1,
} as const satisfies GateSettings

export const defaultPerfAnalyzer = {
  path: 'perf_analyzer',
  // Model Analyzer's default.
  timeoutNs: 600 * nsPerSecond,
} as const

export const defaultTriton = {
  serverPath: 'tritonserver',
  // Model Analyzer's default image.
  image: 'nvcr.io/nvidia/tritonserver:26.04-py3',
  // Model Analyzer's default endpoint.
  endpoint: 'localhost:8001',
  // Whatever the machine has.
  containerEngine: 'auto',
  // Both sides of a comparison pay its 0.14 ms alike, and a pull request's model sees no service of the machine.
  dockerNetwork: 'bridge',
  // None but the system's own authorities, and no metadata.
  endpointSettings: {
    useSsl: false,
    rootCertificatesFile: null,
    privateKeyFile: null,
    certificateChainFile: null,
    metadata: {},
  },
  // An empty server is up in seconds; loading the GPU libraries from a cold disk takes a minute or more.
  startTimeoutNs: 120 * nsPerSecond,
  // TensorRT engines and large weights take minutes.
  loadTimeoutNs: 300 * nsPerSecond,
} as const satisfies Partial<TritonSettings> & { endpoint: string }

/** Whole-device memory comes in steps of allocator pools: a change within 16 MiB is no change of the model. */
const gpuMemoryToleranceBytes = 16 * 1024 * 1024

/** Another share, or other parts of what is tolerated; a part that is left out stays as it is by default. */
export type ToleranceChange = number | { readonly ratio?: number; readonly absolute?: number }

export function toleranceWith(
  changes: Readonly<Partial<Record<MetricName, ToleranceChange>>>,
): Partial<Record<MetricName, { ratio: number; absolute: number }>> {
  const names = Object.keys({ ...defaultTolerance, ...changes }) as MetricName[]
  return Object.fromEntries(
    names.map((metric) => {
      const change = changes[metric] ?? {}
      const byDefault = {
        ratio: defaultTolerance[metric] ?? 0,
        absolute: metric === 'gpuMemoryBytes' ? gpuMemoryToleranceBytes : 0,
      }
      return [metric, { ...byDefault, ...(typeof change === 'number' ? { ratio: change } : change) }]
    }),
  )
}

/** Of `gate.time_budget` where it is not set: 300 s a model. A pull-request check that takes longer is switched off by its users. */
export const defaultModelBudgetNs = 300 * nsPerSecond
