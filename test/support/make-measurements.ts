import { configHash } from '../../src/baseline/migrate.ts'
import type { Config, Constraint, GateSettings } from '../../src/config/config.ts'
import {
  defaultGate,
  defaultInput,
  defaultRequests,
  defaultTriton,
  toleranceWith,
} from '../../src/config/defaults.ts'
import type { AcceptedRegression } from '../../src/domain/accepted.ts'
import type { Configuration } from '../../src/domain/configuration.ts'
import type { Environment } from '../../src/domain/environment.ts'
import type { Load } from '../../src/domain/load.ts'
import type { Baseline, HistoryPoint, Measurements } from '../../src/domain/measurements.ts'
import { metrics as definitions, latencyPercentiles, type MetricName } from '../../src/domain/metric.ts'
import type { Metrics, ModelMeasurement, Repetition, Scenario } from '../../src/domain/scenario.ts'
import type { SearchSummary } from '../../src/domain/sweep.ts'
import { tool } from '../../src/domain/tool.ts'
import type { ModelRepository, RepositoryModel } from '../../src/repository/repository.ts'
import type { Random } from '../../src/stats/random.ts'
import { mean } from '../../src/stats/robust.ts'
import { calmClient } from './client-health.ts'

// Measurements as the profile would write them, made of a few numbers: for tests of what is concluded from them.

export const concurrency8: Load = { mode: 'concurrency', concurrency: 8 }

export const environment: Environment = {
  triton: { version: '2.51.0', mode: 'embedded', source: 'wheel' },
  gpus: [],
  gpuUnavailable: 'nvidia-smi not found',
  host: { runnerClass: 'test', cpuModel: 'test', cpuCount: 2, memoryTotalBytes: 2 ** 33, os: 'Linux' },
  tool,
}

export interface RepetitionNumbers {
  readonly latencyP99Ns: number
  readonly inferPerSec: number
  readonly gpuMemoryBytes?: number
  /** p99 of each block; none where left out. */
  readonly blocksP99Ns?: readonly number[]
}

export function makeRepetition(
  index: number,
  numbers: RepetitionNumbers,
  change: Partial<Repetition> = {},
): Repetition {
  const { latencyP99Ns, inferPerSec, gpuMemoryBytes = null, blocksP99Ns = [] } = numbers
  return {
    index,
    pairedWith: index,
    startNs: index * 10e9,
    durationNs: 4e9,
    requests: 1000,
    failures: {},
    metrics: {
      latencyP99Ns,
      latencyP95Ns: latencyP99Ns * 0.9,
      latencyP90Ns: latencyP99Ns * 0.85,
      latencyP50Ns: latencyP99Ns * 0.7,
      inferPerSec,
      gpuMemoryBytes,
      serverQueueNs: latencyP99Ns * 0.2,
    },
    blocks: blocksP99Ns.map((p99, block) => ({
      startNs: block * 5e8,
      durationNs: 5e8,
      requests: 120,
      inferPerSec,
      latencyP50Ns: p99 * 0.7,
      latencyP99Ns: p99,
    })),
    client: calmClient(),
    status: 'valid',
    voidReasons: [],
    ...change,
  }
}

export function makeScenario(repetitions: readonly Repetition[], change: Partial<Scenario> = {}): Scenario {
  return {
    role: 'gate',
    configuration: { committed: true, instanceCount: 1, maxBatchSize: 8, dynamicBatching: true },
    load: concurrency8,
    status: 'measured',
    metrics: scenarioMetrics(repetitions),
    repetitions: [...repetitions],
    warnings: [],
    ...change,
  }
}

function scenarioMetrics(repetitions: readonly Repetition[]): Metrics {
  const names = [
    ...latencyPercentiles.map(({ name }) => name),
    'inferPerSec',
    'gpuMemoryBytes',
  ] as MetricName[]
  return Object.fromEntries(
    names.map((name) => {
      const values = repetitions.map(({ metrics }) => metrics[name] ?? Number.NaN).filter(Number.isFinite)
      const value = values.length === 0 ? null : mean(values)
      const interval = value === null ? null : [value * 0.95, value * 1.05]
      return [name, values.length === 0 ? null : { value, interval, n: 4000, unit: definitions[name].unit }]
    }),
  )
}

export function makeModel(
  name: string,
  scenarios: readonly Scenario[],
  change: Partial<ModelMeasurement> = {},
): ModelMeasurement {
  return {
    name,
    contentHash: null,
    configText: null,
    status: 'measured',
    scenarios: [...scenarios],
    conditions: {},
    search: null,
    warnings: [],
    ...change,
  }
}

export function makeMeasurements(
  models: readonly ModelMeasurement[],
  reference: readonly ModelMeasurement[] | null = null,
  change: Partial<Measurements> = {},
): Measurements {
  return {
    kind: 'measurements',
    schemaVersion: 1,
    tool,
    createdAt: '2026-01-02T03:04:05Z',
    commit: 'c0ffee1',
    complete: true,
    seed: 1,
    environment,
    models: [...models],
    reference:
      reference === null
        ? null
        : { description: 'merge base 1a2b3c4', commit: '1a2b3c4', models: [...reference] },
    warnings: [],
    wallNs: 60e9,
    ...change,
  }
}

export function makeBaseline(models: readonly ModelMeasurement[], change: Partial<Baseline> = {}): Baseline {
  return {
    kind: 'baseline',
    schemaVersion: 4,
    tool,
    createdAt: '2026-01-01T00:00:00Z',
    commit: 'ba5e11e',
    runId: '1',
    environment,
    models: models.map((model) => ({ ...model, configHash: configHash(model.configText) })),
    history: [],
    acceptedBefore: [],
    ...change,
  }
}

/** Only what a comparison looks at; anything else that is asked of it is a defect of the test. */
export function makeConfig(
  options: {
    readonly constraints?: readonly Constraint[]
    readonly loads?: readonly Load[]
    readonly gate?: Partial<GateSettings>
    readonly tolerance?: Parameters<typeof toleranceWith>[0]
    readonly models?: readonly string[] | null
  } = {},
): Config {
  const { constraints = [], loads = [concurrency8], gate = {}, tolerance = {}, models = null } = options
  return {
    models,
    settingsFor: () => ({
      constraints,
      loads,
      tolerance: toleranceWith(tolerance),
      input: { ...defaultInput, seed: 1 },
      requests: defaultRequests,
      counts: { requestCount: null, warmupRequestCount: null },
      perfAnalyzerFlags: {},
      demandInferPerSec: null,
    }),
    gate: {
      ...defaultGate,
      engine: 'builtin',
      onInconclusive: 'warn',
      onMissingBaseline: 'inconclusive',
      maxFailureRatio: 0.01,
      release: { onInconclusive: 'fail', onMissingBaseline: 'fail' },
      accepted: [],
      repetitions: 14,
      ...gate,
    },
    triton: {
      ...defaultTriton,
      mode: 'embedded',
      url: null,
      gpus: null,
      serverFlags: {},
      serverEnvironment: {},
      dockerArgs: [],
    },
    overrides: {},
  } as unknown as Config
}

/** Repetitions of two sides that differ by `worse` (log, in the bad direction of both metrics) and noise of `sd`. */
export function makePair(
  random: Random,
  options: {
    readonly n: number
    readonly sd: number
    readonly worse?: number
    readonly noise?: () => number
  },
): { reference: Repetition[]; candidate: Repetition[] } {
  const { n, sd, worse = 0, noise = random.normal } = options
  const reference: Repetition[] = []
  const candidate: Repetition[] = []
  for (let index = 0; index < n; index++) {
    // What hits both sides of a pair alike is large; the ratio must not feel it.
    const [drift, speed] = [Math.exp(0.3 * random.normal()), Math.exp(0.1 * random.normal())]
    const factor = (share: number) => Math.exp(share * worse + sd * noise())
    reference.push(makeRepetition(index, { latencyP99Ns: 40e6 * drift, inferPerSec: 300 * speed }))
    candidate.push(
      makeRepetition(index, {
        latencyP99Ns: 40e6 * drift * factor(1),
        inferPerSec: 300 * speed * factor(-1),
      }),
    )
  }
  return { reference, candidate }
}

/** A quick sweep that found a configuration twice as good at this load. */
export function makeSweepSummary(
  configuration: Configuration,
  load: Load,
): SearchSummary & { readonly answer: NonNullable<SearchSummary['answer']> } {
  return {
    mode: 'quick',
    measurements: 1,
    stopped: '',
    wallNs: 0,
    underLoadNs: 0,
    notes: [],
    answer: {
      configuration,
      load,
      metrics: {},
      measurements: 1,
      gain: 1,
      tie: false,
      meetsConstraints: true,
      explanation: '',
    },
  }
}

/** A commit's value of one metric. */
export function makePoint(change: Partial<HistoryPoint> = {}): HistoryPoint {
  return {
    commit: null,
    createdAt: '',
    model: 'm',
    load: 'concurrency=8',
    metric: 'latencyP99Ns',
    value: 40e6,
    spread: null,
    ...change,
  }
}

/** An entry of gate.accepted for the p99 of model `m`. */
export function makeAccepted(change: Partial<AcceptedRegression> = {}): AcceptedRegression {
  return {
    model: 'm',
    metric: 'latencyP99Ns',
    upTo: 0.15,
    reason: 'more layers',
    until: { kind: 'date', date: '2026-12-31' },
    ...change,
  }
}

/** A model repository of one model `m`, of which nothing but its content's hash matters. */
export function makeRepositoryOf(contentHash: string): ModelRepository {
  const model = {
    name: 'm',
    folder: '',
    configPath: null,
    configText: null,
    config: null,
    versions: ['1'],
    dependencies: [],
    called: [],
    contentHash,
  }
  return { path: '', models: new Map<string, RepositoryModel>([['m', model]]) }
}
