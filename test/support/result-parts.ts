import type { Configuration } from '../../src/domain/configuration.ts'
import type { Environment } from '../../src/domain/environment.ts'
import { exitCodes } from '../../src/domain/error.ts'
import type { Load } from '../../src/domain/load.ts'
import { type MetricName, metrics } from '../../src/domain/metric.ts'
import type {
  Best,
  Comparison,
  ConstraintResult,
  ModelResult,
  Outcome,
  Result,
} from '../../src/domain/result.ts'
import type { MetricValue, Repetition, Scenario } from '../../src/domain/scenario.ts'
import { calmClient } from './client-health.ts'

// What the results of result-fixtures.ts are made of.

export const ms = 1e6
export const mib = 1024 ** 2
const commit = '3f9d1c07a5be4428b1f3c9a8d7e6f5041a2b3c4d'
export const referenceCommit = '8b2e4d6f10937c5a2e1d4b6f8091a3c5d7e9fb02'

export const c1: Load = { mode: 'concurrency', concurrency: 1 }
export const c8: Load = { mode: 'concurrency', concurrency: 8 }

const committed: Configuration = {
  committed: true,
  instanceCount: 2,
  maxBatchSize: 8,
  dynamicBatching: true,
}

export const cpuEnvironment: Environment = {
  triton: { version: '2.51.0', mode: 'embedded', source: 'nvidia-pytriton 0.7.0' },
  gpus: [],
  gpuUnavailable: 'nvidia-smi not found',
  host: {
    runnerClass: 'cpu-epyc-2x8g',
    cpuModel: 'AMD EPYC 7B13',
    cpuCount: 2,
    memoryTotalBytes: 8 * 1024 * mib,
    os: 'Debian GNU/Linux 12',
  },
  tool: { name: 'triton-perf-gate', version: '0.1.0' },
}

export const gpuEnvironment: Environment = {
  ...cpuEnvironment,
  triton: {
    version: '2.59.0',
    mode: 'docker',
    source: 'nvcr.io/nvidia/tritonserver:25.06-py3@sha256:4d1c9b0e2f7a',
  },
  gpus: [
    {
      uuid: 'GPU-5a7c1e90-33b1-7a54-9d0f-0b6f3f1f8a11',
      name: 'NVIDIA L4',
      driverVersion: '570.133.20',
      memoryTotalBytes: 23_034 * mib,
      mig: false,
    },
  ],
  gpuUnavailable: null,
  host: { ...cpuEnvironment.host, runnerClass: 'l4-runner', cpuCount: 16, memoryTotalBytes: 64 * 1024 * mib },
}

/** How far repetitions lie from their mean: a quiet machine, as log ratios. */
export const spread = [0.012, -0.018, 0.006, -0.004, 0.021, -0.009, 0.003, -0.011]

export interface Speed {
  readonly inferPerSec: number
  readonly p99Ms: number
  readonly gpuMemoryBytes?: number
}

export function metric(name: MetricName, value: number | null, n: number, reason?: string): MetricValue {
  const interval = value === null ? null : ([value * 0.98, value * 1.03] as const)
  return { value, interval, n, unit: metrics[name].unit, ...(reason === undefined ? {} : { reason }) }
}

export function repetition(index: number, speed: Speed, changes: Partial<Repetition> = {}): Repetition {
  const factor = Math.exp(spread[index % spread.length] ?? 0)
  const durationNs = 4_000 * ms
  return {
    index,
    pairedWith: index,
    startNs: index * 9_000 * ms,
    durationNs,
    requests: Math.round(speed.inferPerSec * factor * 4),
    failures: {},
    metrics: { latencyP99Ns: (speed.p99Ms / factor) * ms, inferPerSec: speed.inferPerSec * factor },
    blocks: [],
    client: calmClient({
      eventLoopUtilization: 0.08,
      eventLoopDelayP99Ns: 0.4 * ms,
      cpuNsPerRequest: 90_000,
    }),
    status: 'valid',
    voidReasons: [],
    ...changes,
  }
}

export function scenario(load: Load, speed: Speed, changes: Partial<Scenario> = {}): Scenario {
  const concurrency = load.mode === 'concurrency' ? load.concurrency : 1
  const averageNs = (concurrency / speed.inferPerSec) * 1e9
  const inferNs = Math.min(averageNs * 0.84, 6.1 * ms)
  const overheadNs = Math.min(averageNs * 0.09, 0.7 * ms)
  const inputNs = Math.min(averageNs * 0.02, 0.11 * ms)
  const outputNs = Math.min(averageNs * 0.01, 0.04 * ms)
  const n = Math.round(speed.inferPerSec * 16)
  const repetitions = changes.role === 'sweep' ? 1 : 4
  return {
    role: 'gate',
    configuration: committed,
    load,
    status: 'measured',
    metrics: {
      latencyAvgNs: metric('latencyAvgNs', averageNs, n),
      latencyP50Ns: metric('latencyP50Ns', averageNs * 0.97, n),
      latencyP99Ns: metric('latencyP99Ns', speed.p99Ms * ms, n),
      inferPerSec: metric('inferPerSec', speed.inferPerSec, n),
      serverQueueNs: metric('serverQueueNs', averageNs - inferNs - overheadNs - inputNs - outputNs, n),
      serverComputeInputNs: metric('serverComputeInputNs', inputNs, n),
      serverComputeInferNs: metric('serverComputeInferNs', inferNs, n),
      serverComputeOutputNs: metric('serverComputeOutputNs', outputNs, n),
      networkOverheadNs: metric('networkOverheadNs', overheadNs, n),
      executedBatchSize: metric('executedBatchSize', Math.max(1, concurrency * 0.41), n),
      gpuMemoryBytes:
        speed.gpuMemoryBytes === undefined ? null : metric('gpuMemoryBytes', speed.gpuMemoryBytes, 16),
    },
    repetitions: Array.from({ length: repetitions }, (_, index) => repetition(index, speed)),
    warnings: [],
    ...changes,
  }
}

export function comparison(
  name: MetricName,
  load: Load,
  reference: number,
  ratio: number,
  changes: Partial<Comparison> = {},
): Comparison {
  return {
    metric: name,
    load,
    primary: true,
    against: 'reference',
    reference,
    candidate: reference * ratio,
    changeRatio: ratio,
    changeInterval: [ratio * 0.976, ratio * 1.024],
    repetitions: 4,
    tolerance: name === 'inferPerSec' ? 0.03 : 0.05,
    pValue: 0.4,
    status: 'pass',
    footnotes: [],
    detectableChange: null,
    baselineValue: reference * 1.015,
    ...changes,
  }
}

export function budget(load: Load, valueMs: number, limitMs = 60, close = false): ConstraintResult {
  return {
    name: 'perf_latency_p99',
    bound: 'max',
    load,
    metric: 'latencyP99Ns',
    limit: limitMs * ms,
    value: valueMs * ms,
    interval: [valueMs * 0.98 * ms, valueMs * 1.03 * ms],
    status: valueMs <= limitMs ? 'pass' : 'fail',
    close,
  }
}

const patch = `--- a/text_recognition/config.pbtxt
+++ b/text_recognition/config.pbtxt
@@ -18,6 +18,4 @@
 instance_group [
-  { count: 2 kind: KIND_CPU }
+  { count: 3 kind: KIND_CPU }
 ]
-dynamic_batching { }
 parameters { key: "intra_op_threads" value { string_value: "1" } }
`

interface SweepOptions {
  readonly gpuMemoryBytes?: number
  /** Throughput of the committed configuration against the usual one. */
  readonly committedSpeed?: number
  /** Speed of the machine against 2 CPU cores. */
  readonly machineSpeed?: number
}

/** The sweep of text_recognition: concurrency 2, 4, 8 and 16 of four configurations. */
export function sweepScenarios({
  gpuMemoryBytes,
  committedSpeed = 1,
  machineSpeed = 1,
}: SweepOptions = {}): Scenario[] {
  const memory = gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }
  const configurations: [Configuration, number, number][] = [
    [committed, committedSpeed, 1 / committedSpeed],
    [{ committed: false, instanceCount: 1, maxBatchSize: 8, dynamicBatching: true }, 0.62, 1.41],
    [{ committed: false, instanceCount: 3, maxBatchSize: 8, dynamicBatching: false }, 1.19, 0.84],
    [
      {
        committed: false,
        instanceCount: 2,
        maxBatchSize: 16,
        dynamicBatching: true,
        preferredBatchSizes: [4, 8],
        maxQueueDelayMicroseconds: 500,
      },
      0.94,
      1.12,
    ],
  ]
  const speeds = [
    [2, 264, 12.9],
    [4, 309, 26.1],
    [8, 344, 45.2],
    [16, 351, 88.4],
  ] as const
  return configurations.flatMap(([configuration, throughput, latency]) =>
    speeds.map(([concurrency, inferPerSec, p99Ms]) =>
      scenario(
        { mode: 'concurrency', concurrency },
        {
          inferPerSec: inferPerSec * throughput * machineSpeed,
          p99Ms: (p99Ms * latency) / machineSpeed,
          ...memory,
        },
        { role: 'sweep', configuration },
      ),
    ),
  )
}

export function best(changes: Partial<Best> = {}): Best {
  const configuration: Configuration = {
    committed: false,
    instanceCount: 3,
    maxBatchSize: 8,
    dynamicBatching: false,
  }
  return {
    configuration,
    load: c8,
    metrics: scenario(c8, { inferPerSec: 409, p99Ms: 38 }).metrics,
    gain: 0.19,
    tie: false,
    meetsConstraints: true,
    explanation: 'Highest throughput of the 16 measurements that keep p99 at or below 60 ms.',
    patch,
    ...changes,
  }
}

export function modelResult(name: string, changes: Partial<ModelResult> = {}): ModelResult {
  return {
    name,
    contentHash: 'a3f1'.repeat(16),
    configText: 'max_batch_size: 8\n',
    status: 'measured',
    scenarios: [
      scenario(c1, { inferPerSec: 143, p99Ms: 9.5 }),
      scenario(c8, { inferPerSec: 344, p99Ms: 45.2 }),
    ],
    search: null,
    warnings: [],
    comparisons: [
      comparison('latencyP99Ns', c1, 9.42 * ms, 1.008),
      comparison('inferPerSec', c1, 144, 0.993),
      comparison('latencyP99Ns', c8, 45.9 * ms, 0.985),
      comparison('inferPerSec', c8, 341, 1.009),
      comparison('latencyP50Ns', c8, 22.8 * ms, 0.99, { primary: false, status: 'info', tolerance: 0 }),
    ],
    constraints: [],
    best: null,
    referenceScenarios: [
      scenario(c1, { inferPerSec: 144, p99Ms: 9.42 }),
      scenario(c8, { inferPerSec: 341, p99Ms: 45.9 }),
    ],
    ...changes,
  }
}

const search = {
  mode: 'quick' as const,
  measurements: 16,
  stopped: 'no neighbour of the best configuration is better',
  wallNs: 96e9,
  underLoadNs: 51e9,
  phases: { startNs: 3e9, loadNs: 33e9, stopNs: 5e9, otherNs: 4e9 },
  notes: [],
  answer: null,
}

function capacity(): NonNullable<ModelResult['capacity']> {
  const { configuration } = best()
  const concurrency = (level: number): Load => ({ mode: 'concurrency', concurrency: level })
  const p99 = (milliseconds: number) => milliseconds * ms
  return {
    demandInferPerSec: 1500,
    rows: [
      {
        of: 'reference',
        configuration: committed,
        inferPerSec: 341,
        latencyP99Ns: p99(45.9),
        load: c8,
        brokenAt: null,
        servers: 5,
        gpus: null,
      },
      {
        of: 'candidate',
        configuration: committed,
        inferPerSec: 338,
        latencyP99Ns: p99(45.2),
        load: c8,
        brokenAt: null,
        servers: 5,
        gpus: null,
      },
      {
        of: 'committed',
        configuration: committed,
        inferPerSec: 352,
        latencyP99Ns: p99(59),
        load: concurrency(10),
        brokenAt: concurrency(11),
        servers: 5,
        gpus: null,
      },
      {
        of: 'best',
        configuration,
        inferPerSec: 418,
        latencyP99Ns: p99(58.1),
        load: concurrency(12),
        brokenAt: concurrency(14),
        servers: 4,
        gpus: null,
      },
      {
        of: 'other',
        configuration: { ...configuration, maxBatchSize: 2 },
        inferPerSec: null,
        latencyP99Ns: null,
        load: null,
        brokenAt: c8,
        servers: null,
        gpus: null,
      },
    ],
  }
}

export function textRecognition(changes: Partial<ModelResult> = {}): ModelResult {
  const base = modelResult('text_recognition')
  return {
    ...base,
    scenarios: [...base.scenarios, ...sweepScenarios()],
    search,
    constraints: [budget(c1, 9.5), budget(c8, 45.2)],
    best: best(),
    capacity: capacity(),
    ...changes,
  }
}

export function result(outcome: Outcome, models: ModelResult[], changes: Partial<Result> = {}): Result {
  return {
    kind: 'result',
    schemaVersion: 1,
    tool: { name: 'triton-perf-gate', version: '0.1.0' },
    createdAt: '2026-03-14T09:26:53.000Z',
    commit,
    complete: true,
    seed: 20260314,
    verdict: {
      outcome,
      exitCode:
        outcome === 'invalid' ? exitCodes.environment : outcome === 'fail' ? exitCodes.fail : exitCodes.pass,
      reasons: [],
    },
    environment: cpuEnvironment,
    baseline: {
      status: 'found',
      source: 'artifact triton-perf-gate-baseline of run 9182736450',
      commit: referenceCommit,
      createdAt: '2026-03-13T17:02:11.000Z',
    },
    reference: { description: 'merge base 8b2e4d6', commit: referenceCommit },
    models,
    warnings: [],
    wallNs: 287e9,
    ...changes,
  }
}
