import type { BaselineSearch } from '../../src/action/find-baseline.ts'
import type { RunStore } from '../../src/action/run-store.ts'
import type { CompareOptions } from '../../src/cli/compare.ts'
import { limitsOf } from '../../src/config/limits.ts'
import { readConfig } from '../../src/config/load-config.ts'
import type { Environment } from '../../src/domain/environment.ts'
import { together } from '../../src/domain/load.ts'
import type { Baseline, Measurements } from '../../src/domain/measurements.ts'
import type { ModelMeasurement, Repetition, Scenario } from '../../src/domain/scenario.ts'
import { clientHealth } from '../../src/load/client-health.ts'
import { steady } from './compare-model.ts'
import { early } from './early-faults.ts'
import { baselineOf, makeRun, makeStore, sha, zipOf } from './github/run-store.ts'
import { makeZip } from './github/zip.ts'
import {
  concurrency8,
  environment,
  makeBaseline,
  makeMeasurements,
  makeModel,
  makeScenario,
} from './make-measurements.ts'

/** What a fault is to be met with: a verdict, or an error before there is one. */
type Met = 'pass' | 'fail' | 'inconclusive' | 'invalid' | 'error 2' | 'error 3'

/** What lies on the disk; a text is written as it is, null is no file. */
export interface Files {
  readonly measurements: Measurements | string | null
  readonly baseline: Baseline | string | Uint8Array | null
  readonly config: string
  /** The main branch's newest baseline, for --history. */
  readonly newest: Baseline | string | null
}

export interface Fault {
  readonly name: string
  readonly met: Met
  readonly files?: Partial<Files>
  readonly options?: Partial<CompareOptions>
  /** The baseline is looked for on GitHub in place of a file. */
  readonly search?: { readonly store: RunStore; readonly change?: Partial<BaselineSearch> }
  /** What goes wrong before there is anything to compare, where no file shows it: throws. */
  readonly act?: (folder: string) => unknown
  /** Something on the disk that no text makes. */
  readonly special?: 'folder' | 'hugeFile'
}

const name = 'm'
const numbers = { latencyP99Ns: 40e6, inferPerSec: 300 }
const model = (
  repetitions: readonly Repetition[] = steady(8, numbers),
  scenario: Partial<Scenario> = {},
  change: Partial<ModelMeasurement> = {},
) => makeModel(name, [makeScenario(repetitions, scenario)], change)
const slower = (factor: number) =>
  model(steady(8, { latencyP99Ns: 40e6 * factor, inferPerSec: 300 / factor }))
const failed = makeModel(name, [], {
  status: 'failed',
  error: { message: 'model.py raised ValueError', hint: 'Correct the model.' },
})
const changed = (change: (index: number) => Partial<Repetition>) =>
  steady(8, numbers).map((repetition, index) => ({ ...repetition, ...change(index) }))
const withMetric = (metric: string, value: number | null) =>
  model(steady(8, numbers).map((each) => ({ ...each, metrics: { ...each.metrics, [metric]: value } })))
const voidFor = (reason: string): Partial<Repetition> => ({ status: 'void', voidReasons: [reason] })

const alone = (models: ModelMeasurement[], change: Partial<Measurements> = {}): Partial<Files> => ({
  measurements: makeMeasurements(models, null, change),
})
/** Both sides were measured in this run; no baseline. */
const beside = (
  models: ModelMeasurement[],
  reference: ModelMeasurement[],
  change: Partial<Measurements> = {},
): Partial<Files> => ({ measurements: makeMeasurements(models, reference, change), baseline: null })

/** Twelve quiet runs of the main branch. */
const history = Array.from({ length: 12 }, (_, index) =>
  (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
    commit: `c${index}`,
    createdAt: `2025-12-${10 + index}T00:00:00Z`,
    model: name,
    load: 'concurrency=8',
    metric,
    spread: null,
    value: (metric === 'inferPerSec' ? 300 : 40e6) * (1 + 0.001 * (index % 3)),
  })),
).flat()
const stored = makeBaseline([model()], { history })
const storedText = JSON.stringify(stored)
/** As the first version wrote it, which kept of the settings one hash or nothing. */
const olderBaseline = (settingsHash?: string, there: Environment = environment): string =>
  JSON.stringify({
    ...stored,
    environment: there,
    schemaVersion: 1,
    models: stored.models.map(({ configHash: _, conditions: __, ...each }) => ({ ...each, settingsHash })),
    history: history.map(({ spread: _, ...point }) => point),
  })
const storedModels = (models: ModelMeasurement[]): Partial<Files> => ({
  baseline: makeBaseline(models, { history }),
})
const storedWith = (change: Partial<Baseline>): Partial<Files> => ({ baseline: { ...stored, ...change } })
const storedValue = (value: string): Partial<Files> => ({
  baseline: storedText.replace(/"inferPerSec":[\d.]+/, `"inferPerSec":${value}`),
})

/** Nothing wrong: the control, without which a table of failures would prove nothing. */
export const soundFiles: Files = {
  measurements: makeMeasurements([model()]),
  baseline: stored,
  config: 'concurrency: 8\n',
  newest: null,
}

const gpu = {
  uuid: 'GPU-1',
  name: 'NVIDIA L4',
  driverVersion: '570.133.20',
  memoryTotalBytes: 24e9,
  mig: false,
}
const onGpu: Environment = { ...environment, gpus: [gpu], gpuUnavailable: null }
const inDocker: Environment = {
  ...environment,
  triton: { ...environment.triton, mode: 'docker', network: 'bridge', containerEngine: 'docker' },
}
const elsewhere = (here: Environment, there: Environment): Partial<Files> => ({
  ...alone([model()], { environment: here }),
  ...storedWith({ environment: there }),
})
const onGithub = (store: RunStore, change: Partial<BaselineSearch> = {}) => ({
  files: { baseline: null },
  search: { store, change },
})
const artifact = (content: Parameters<typeof makeStore>[1][number][number]) =>
  onGithub(makeStore([makeRun(55)], { 55: [content] }))
const frozen = clientHealth(
  concurrency8,
  [
    {
      health: {
        eventLoopUtilization: 0.1,
        eventLoopDelayP99Ns: 1e5,
        eventLoopGapNs: 5e9,
        gcPauseNs: 0,
        gcPauseMaxNs: 0,
      },
      startHrtimeNs: 0n,
      lateStartNs: 0,
      latenciesNs: new Float64Array(),
      issued: 1000,
      failures: {},
      firstFailure: null,
      durationNs: 4e9,
      requests: 1000,
      completed: 1000,
      late: 0,
      inTime: 1000,
      cpuNs: 1e8,
    },
  ],
  { connections: 1, threadsReason: 'one is enough' },
)
const saturated = { ...frozen, eventLoopGapNs: 0, saturated: true, problems: [] }
const accepted = (until: string) =>
  `concurrency: 8\ngate: {accepted: [{model: m, metric: perf_latency_p99, up_to: 50%, reason: a larger model, ${until}}, {model: m, metric: perf_throughput, up_to: 50%, reason: a larger model, ${until}}]}\n`
const otherLoad = { mode: 'concurrency', concurrency: 16 } as const
const tooFewForP99: Scenario['metrics'] = {
  latencyP99Ns: {
    value: null,
    interval: null,
    n: 40,
    unit: 'ns',
    reason: 'p99 needs at least 299 requests, there were 40',
  },
  latencyP90Ns: { value: 30e6, interval: null, n: 40, unit: 'ns' },
}

const baselineFile: Fault[] = [
  { name: 'no file where --baseline points', met: 'error 2', options: { baseline: 'nothing.json' } },
  { name: 'an empty file', met: 'error 3', files: { baseline: '' } },
  { name: 'a file cut off', met: 'error 3', files: { baseline: storedText.slice(0, 5000) } },
  { name: 'bytes that are no text', met: 'error 3', files: { baseline: Uint8Array.of(0x7b, 0xff, 0x7d) } },
  { name: 'an error page', met: 'error 3', files: { baseline: '<html>Not found</html>' } },
  { name: 'a folder', met: 'error 3', special: 'folder' },
  { name: 'more than 64 MiB', met: 'error 3', special: 'hugeFile' },
  {
    name: 'a file of another kind',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, kind: 'measurements' }) },
  },
  {
    name: 'a newer schema',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, schemaVersion: 99 }) },
  },
  {
    name: 'a schema that never was',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, schemaVersion: 0 }) },
  },
  {
    name: 'an older schema, which is migrated, with all settings the same',
    met: 'pass',
    files: { ...alone([model(undefined, {}, { settingsHash: 'a' })]), baseline: olderBaseline('a') },
  },
  {
    name: 'an older schema, which is migrated, and some settings others',
    met: 'inconclusive',
    files: { ...alone([model(undefined, {}, { settingsHash: 'a' })]), baseline: olderBaseline('b') },
  },
  {
    name: 'an older schema, which is migrated, and kept no settings',
    met: 'inconclusive',
    files: { baseline: olderBaseline() },
  },
  {
    name: 'a key that nobody knows',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, extra: 1 }) },
  },
  {
    name: 'a key that would change the prototype of objects',
    met: 'error 3',
    files: { baseline: storedText.replace('"failures":{}', '"failures":{"__proto__":1}') },
  },
  { name: 'NaN', met: 'error 3', files: storedValue('NaN') },
  { name: 'an infinite number', met: 'error 3', files: storedValue('1e999') },
  { name: 'a negative number', met: 'error 3', files: storedValue('-300') },
  { name: 'a throughput of zero', met: 'error 3', files: storedValue('0') },
  { name: 'a number that no measurement gives', met: 'error 3', files: storedValue('1e308') },
  {
    name: 'such a number in the history',
    met: 'error 3',
    files: storedWith({ history: history.map((point) => ({ ...point, value: 1e308 })) }),
  },
  { name: 'no model', met: 'error 3', files: storedModels([]) },
  { name: 'a model twice', met: 'error 3', files: storedModels([model(), model()]) },
  {
    name: 'a load twice',
    met: 'error 3',
    files: storedModels([
      makeModel(name, [makeScenario(steady(8, numbers)), makeScenario(steady(8, numbers))]),
    ]),
  },
  {
    name: 'a repetition twice',
    met: 'error 3',
    files: storedModels([model([...steady(8, numbers), ...steady(1, numbers)])]),
  },
  {
    name: 'a measurement of a sweep',
    met: 'error 3',
    files: storedModels([model(undefined, { role: 'sweep' })]),
  },
]

const baselineContent: Fault[] = [
  {
    name: 'another GPU',
    met: 'invalid',
    files: elsewhere(onGpu, { ...onGpu, gpus: [{ ...gpu, name: 'Tesla T4' }] }),
  },
  {
    name: 'another driver',
    met: 'invalid',
    files: elsewhere(onGpu, { ...onGpu, gpus: [{ ...gpu, driverVersion: '550.54.15' }] }),
  },
  {
    name: 'clocks locked on one side',
    met: 'invalid',
    files: elsewhere(onGpu, { ...onGpu, gpus: [{ ...gpu, lockedClockMegahertz: 1200 }] }),
  },
  { name: 'a GPU on one side only', met: 'invalid', files: elsewhere(environment, onGpu) },
  {
    name: 'another Triton',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, triton: { ...environment.triton, version: '2.39.0' } }),
  },
  {
    name: 'another way to start Triton',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, triton: { ...environment.triton, mode: 'docker' } }),
  },
  {
    name: 'another class of machines',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, host: { ...environment.host, runnerClass: 'other' } }),
  },
  {
    name: 'another load generator',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, engine: 'perf_analyzer 2.59.0' }),
  },
  {
    name: 'another version of the load generator',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, generatorVersion: 7 }),
  },
  {
    name: 'another container engine',
    met: 'invalid',
    files: elsewhere(inDocker, { ...inDocker, triton: { ...inDocker.triton, containerEngine: 'podman' } }),
  },
  {
    name: 'another network of the container',
    met: 'invalid',
    files: elsewhere(inDocker, { ...inDocker, triton: { ...inDocker.triton, network: 'host' } }),
  },
  {
    name: 'other input data',
    met: 'invalid',
    files: elsewhere(
      { ...environment, inputData: { m: 'aaaa' } },
      { ...environment, inputData: { m: 'bbbb' } },
    ),
  },
  {
    name: 'other input data of another model than this one',
    met: 'pass',
    files: elsewhere(
      { ...environment, inputData: { m: 'aaaa', n: 'cccc' } },
      { ...environment, inputData: { m: 'aaaa', n: 'bbbb' } },
    ),
  },
  {
    name: 'input data of which the baseline says nothing',
    met: 'invalid',
    files: elsewhere({ ...environment, inputData: { m: 'aaaa' } }, environment),
  },
  {
    name: 'input data of this model of which the baseline says nothing',
    met: 'invalid',
    files: elsewhere(
      { ...environment, inputData: { m: 'aaaa', n: 'cccc' } },
      { ...environment, inputData: { n: 'cccc' } },
    ),
  },
  {
    name: 'an older schema, which is migrated, and other input data',
    met: 'invalid',
    files: {
      ...alone([model(undefined, {}, { settingsHash: 'a' })], {
        environment: { ...environment, inputData: { m: 'aaaa' } },
      }),
      baseline: olderBaseline('a', { ...environment, inputData: { m: 'bbbb' } }),
    },
  },
  {
    name: 'a CPU limit on one side',
    met: 'invalid',
    files: elsewhere(environment, { ...environment, host: { ...environment.host, cpuLimit: 2 } }),
  },
  {
    name: 'slices of a GPU (MIG) on one side',
    met: 'invalid',
    files: elsewhere(onGpu, { ...onGpu, gpus: [{ ...gpu, mig: true }] }),
  },
  {
    name: 'another kernel, of which one is told',
    met: 'pass',
    files: elsewhere(environment, { ...environment, host: { ...environment.host, os: 'Linux 6.9' } }),
  },
  {
    name: 'settings that change what a number means',
    met: 'invalid',
    files: storedModels([model(undefined, {}, { conditions: { 'gate.warmup_seconds': '5' } })]),
  },
  {
    name: 'the same of a model that its history cleared',
    met: 'invalid',
    files: {
      ...beside([model(steady(4, numbers), {}, { screening: 'cleared' })], []),
      ...storedModels([model(undefined, {}, { conditions: { 'gate.warmup_seconds': '5' } })]),
    },
  },
  {
    name: 'more repetitions, of which one is told',
    met: 'pass',
    files: {
      ...alone([model(undefined, {}, { settingsHash: 'a' })]),
      ...storedModels([model(undefined, {}, { settingsHash: 'b' })]),
    },
  },
  { name: 'no history', met: 'inconclusive', files: storedWith({ history: [] }) },
  {
    name: 'a history without any spread, and a change of 10 %',
    met: 'fail',
    files: {
      ...alone([slower(1.1)]),
      ...storedWith({ history: history.map((point) => ({ ...point, value: 1 })) }),
    },
  },
  {
    name: 'too few repetitions',
    met: 'inconclusive',
    files: storedModels([model(steady(3, numbers))]),
  },
  {
    name: 'without the load',
    met: 'inconclusive',
    files: storedModels([model(undefined, { load: otherLoad })]),
  },
  {
    name: 'of a model alone, where it is measured beside another',
    met: 'inconclusive',
    files: {
      ...alone(
        together(['m', 'n'].map((each) => ({ model: each, load: concurrency8 }))).map((load, index) =>
          makeModel(['m', 'n'][index] ?? name, [makeScenario(steady(8, numbers), { load })]),
        ),
      ),
      ...storedModels(['m', 'n'].map((each) => makeModel(each, [makeScenario(steady(8, numbers))]))),
      config: 'run_config_profile_models_concurrently_enable: true\nconcurrency: 8\nprofile_models: m,n\n',
    },
  },
  {
    name: 'without the model, and no budget',
    met: 'inconclusive',
    files: storedModels([{ ...model(), name: 'other' }]),
  },
  {
    name: 'the clock was set back: the baseline is of tomorrow',
    met: 'pass',
    files: storedWith({ createdAt: '2027-01-01T00:00:00Z' }),
  },
]

const baselineOnGithub: Fault[] = [
  { name: 'no run has stored one', met: 'inconclusive', ...onGithub(makeStore([], {})) },
  {
    name: 'no run has stored one, and that is to fail',
    met: 'fail',
    ...onGithub(makeStore([], {})),
    options: { onMissingBaseline: 'fail' },
  },
  {
    name: 'no run has stored one, for a release',
    met: 'fail',
    ...onGithub(makeStore([], {})),
    options: { release: true },
  },
  { name: 'the artifact has expired', met: 'inconclusive', ...artifact({ expired: true }) },
  {
    name: 'it comes from a fork whose branch is called main',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { headRepositoryId: 2 })], { 55: [{}] })),
  },
  {
    name: 'its run has failed',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { conclusion: 'failure' })], { 55: [{}] })),
  },
  {
    name: 'its commit is no ancestor',
    met: 'inconclusive',
    ...onGithub(makeStore([makeRun(55, { headSha: sha('f') })], { 55: [{}] })),
  },
  {
    name: 'a run was named that is of another repository',
    met: 'invalid',
    ...onGithub(makeStore([makeRun(55, { headRepositoryId: 2 })], { 55: [{}] }), { runId: 55 }),
  },
  {
    name: 'the bytes are not those that were uploaded',
    met: 'invalid',
    ...artifact({ digest: `sha256:${'0'.repeat(64)}` }),
  },
  {
    name: 'another commit is in it',
    met: 'invalid',
    ...artifact({ zip: zipOf(baselineOf(55, { commit: sha('c') })) }),
  },
  { name: 'another run is in it', met: 'invalid', ...artifact({ zip: zipOf(baselineOf(54)) }) },
  {
    name: 'a path that leaves the folder',
    met: 'invalid',
    ...artifact({ zip: makeZip([{ name: '../baseline.json' }]) }),
  },
  {
    name: 'an archive that inflates without end',
    met: 'invalid',
    ...artifact({
      zip: makeZip([{ name: 'baseline.json', content: Buffer.alloc(65 * 2 ** 20), claimedBytes: 10 }]),
    }),
  },
  {
    name: 'GitHub refuses to answer',
    met: 'invalid',
    ...onGithub({
      ...makeStore([], {}),
      listRuns: () =>
        Promise.reject(Object.assign(new Error('Resource not accessible by integration'), { status: 403 })),
    }),
  },
]

/** A newer baseline of the main branch, for a judgement that the main branch's creep may fail. */
const newest = (change: Partial<Baseline> = {}): Partial<Files> => ({
  newest: { ...stored, ...change },
  config: 'concurrency: 8\ngate: {on_creep: fail}\n',
})
const released = { release: true, history: 'newest.json' }
const otherMachine = { ...environment, host: { ...environment.host, runnerClass: 'other' } }
/** Since then the main branch has become slower twice, by less than the tolerance each time. */
const crept = Array.from({ length: 60 }, (_, index) => ({
  ...(history[0] as (typeof history)[number]),
  commit: `d${index}`,
  createdAt: `2026-02-01T00:00:${String(index).padStart(2, '0')}Z`,
  value: 40e6 * 1.04 ** Math.floor(index / 20) * (1 + 0.002 * ((index * 7) % 5)),
}))
const cleared = model(steady(4, numbers), {}, { screening: 'cleared' })

const mainHistory: Fault[] = [
  { name: 'no file where --history points', met: 'error 2', options: { history: 'nothing.json' } },
  {
    name: 'the file of --history is cut off',
    met: 'error 3',
    files: { newest: storedText.slice(0, 5000) },
    options: { history: 'newest.json' },
  },
  {
    name: 'the file of --history is of another machine',
    met: 'pass',
    files: newest({ environment: otherMachine }),
    options: { history: 'newest.json' },
  },
  {
    name: 'the same where creep is to fail a release',
    met: 'inconclusive',
    files: newest({ environment: otherMachine }),
    options: released,
  },
  {
    name: 'no --history where creep is to fail a release',
    met: 'error 2',
    files: newest(),
    options: { release: true },
  },
  {
    name: 'the main branch has crept, and that is to fail a release',
    met: 'fail',
    files: newest({ history: crept }),
    options: released,
  },
  {
    name: 'the main branch has crept, of which a pull request is only told',
    met: 'pass',
    files: newest({ history: crept }),
    options: { history: 'newest.json' },
  },
  {
    name: 'a history that is yet too short to show creep',
    met: 'pass',
    files: newest({ history: crept.slice(0, 3) }),
    options: { history: 'newest.json' },
  },
  {
    name: 'a model that its history cleared, and no baseline',
    met: 'invalid',
    files: { ...beside([cleared], []), baseline: null },
  },
  {
    name: 'a model that its history cleared, and a baseline of another machine',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedWith({ environment: otherMachine }) },
  },
  {
    name: 'a model that its history cleared, and a baseline without a history',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedWith({ history: [] }) },
  },
  {
    name: 'a model that its history cleared, and a baseline without the model',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedModels([{ ...model(), name: 'other' }]) },
  },
]

const measuring: Fault[] = [
  { name: 'no measurements.json', met: 'error 2', files: { measurements: null } },
  {
    name: 'measurements.json is cut off',
    met: 'error 3',
    files: { measurements: JSON.stringify(makeMeasurements([model()])).slice(0, 3000) },
  },
  {
    name: 'measurements.json of a newer version',
    met: 'error 3',
    files: { measurements: JSON.stringify({ ...makeMeasurements([model()]), schemaVersion: 99 }) },
  },
  {
    name: 'NaN in measurements.json',
    met: 'error 3',
    files: {
      measurements: JSON.stringify(makeMeasurements([model()])).replace(
        /"inferPerSec":[\d.]+/,
        '"inferPerSec":NaN',
      ),
    },
  },
  { name: 'stopped before its end', met: 'invalid', files: alone([model()], { complete: false }) },
  { name: 'no model was measured', met: 'invalid', files: alone([]) },
  {
    name: 'a shard was lost: a model is missing',
    met: 'invalid',
    files: { config: 'profile_models: m,lost\nconcurrency: 8\n' },
  },
  {
    name: 'the same repetition twice',
    met: 'invalid',
    files: beside([model([...steady(8, numbers), ...steady(8, numbers)])], [model()]),
  },
  { name: 'a model from two shards', met: 'invalid', files: alone([model(), model()]) },
  { name: 'the model does not load any more', met: 'fail', files: alone([failed]) },
  { name: 'the model loads on neither side', met: 'invalid', files: beside([failed], [failed]) },
  {
    name: 'the model did not load on the reference',
    met: 'inconclusive',
    files: beside([model()], [failed]),
  },
  {
    name: 'every request fails',
    met: 'invalid',
    files: alone([model(changed(() => ({ requests: 0, failures: { UNAVAILABLE: 500 } })))]),
  },
  {
    name: 'the measurement of a load failed',
    met: 'invalid',
    files: alone([model([], { status: 'failed', error: 'the server died' })]),
  },
  {
    name: 'more requests fail than allowed',
    met: 'invalid',
    files: alone([model(changed((index) => (index === 2 ? { failures: { UNAVAILABLE: 20 } } : {})))]),
  },
  {
    name: 'more requests fail than on the reference',
    met: 'inconclusive',
    files: beside([model(changed(() => ({ failures: { UNAVAILABLE: 1 } })))], [model()]),
  },
  {
    name: 'answers that are not those of the validation data',
    met: 'invalid',
    files: alone([model(changed((index) => (index === 2 ? { failures: { wrong_output: 20 } } : {})))]),
  },
  {
    name: 'answers that break the rules of HTTP/2 or gRPC',
    met: 'invalid',
    files: alone([
      model(changed((index) => (index === 2 ? { failures: { connection: 15, INTERNAL: 5 } } : {}))),
    ]),
  },
  {
    name: 'a repetition without any answer',
    met: 'invalid',
    files: alone([model(changed((index) => (index === 1 ? { requests: 0 } : {})))]),
  },
  {
    name: 'the load generator was saturated',
    met: 'invalid',
    files: alone([model(changed((index) => (index === 1 ? { client: saturated } : {})))]),
  },
  {
    name: 'the machine was suspended in every repetition (a step of the clock)',
    met: 'invalid',
    files: alone([
      model(changed(() => ({ client: frozen, status: 'void', voidReasons: [...frozen.problems] }))),
    ]),
  },
  {
    name: 'the clock stood still: the same latency to the nanosecond',
    met: 'invalid',
    files: alone([withMetric('latencyP50Ns', 28e6)]),
  },
  {
    name: 'the GPU was throttled in every repetition',
    met: 'invalid',
    files: alone([model(changed(() => voidFor('gpu_throttled: GPU-1: swThermalSlowdown')))]),
  },
  {
    name: 'the GPU was throttled in most repetitions',
    met: 'invalid',
    files: beside(
      [model(changed((i) => (i > 2 ? voidFor('gpu_throttled: GPU-1: hwSlowdown') : {})))],
      [model()],
    ),
  },
  {
    name: 'another process came to the GPU',
    met: 'invalid',
    files: alone([model(changed(() => voidFor('gpu_shared: process 4711 came to the GPU')))]),
  },
  {
    name: 'a model under load at the same time failed its requests',
    met: 'invalid',
    files: alone([
      model(changed(() => voidFor('neighbour_failed: 40 of 900 requests to n failed (INTERNAL × 40)'))),
    ]),
  },
  {
    name: 'the models were not under load at the same time',
    met: 'invalid',
    files: alone([
      model(changed(() => voidFor('loads_apart: only 71 % of a block had every model under load'))),
    ]),
  },
  {
    name: 'nvidia-smi stopped answering',
    met: 'invalid',
    files: alone([model(changed(() => voidFor('gpu_unreadable: nvidia-smi did not answer within 5 s')))]),
  },
  {
    name: 'the windows of perf_analyzer do not agree',
    met: 'invalid',
    files: alone([
      model(
        changed(() => voidFor('perf_analyzer_unstable: concurrency 8: no stable window within 10 trials')),
      ),
    ]),
  },
  {
    name: 'somebody else sends requests to the server',
    met: 'invalid',
    files: alone([
      model(
        changed(() => voidFor('other_clients: the server counted 2000 requests, 1000 were sent from here')),
      ),
    ]),
  },
  {
    name: 'too few repetitions',
    met: 'inconclusive',
    files: beside([model(steady(3, numbers))], [model(steady(3, numbers))]),
  },
  {
    name: 'repetitions that were not measured in turns',
    met: 'invalid',
    files: beside([model(changed(() => ({ pairedWith: null })))], [model()]),
  },
  { name: 'a throughput that is missing', met: 'invalid', files: alone([withMetric('inferPerSec', null)]) },
  { name: 'a negative throughput', met: 'invalid', files: alone([withMetric('inferPerSec', -300)]) },
  {
    name: 'a throughput that no measurement gives',
    met: 'invalid',
    files: alone([withMetric('inferPerSec', 1e300)]),
  },
  {
    name: 'a latency of the reference that no measurement gives',
    met: 'invalid',
    files: beside([model()], [withMetric('latencyP99Ns', 1e300)]),
  },
  {
    name: 'a load of the reference was lost',
    met: 'invalid',
    files: beside(
      [model()],
      [
        makeModel(name, [
          makeScenario(steady(8, numbers)),
          makeScenario(steady(8, numbers), { load: otherLoad }),
        ]),
      ],
    ),
  },
  {
    name: 'a load that the configuration asks for was lost',
    met: 'invalid',
    files: { config: 'concurrency: 8,16\n' },
  },
  {
    name: 'GPU memory was read on one side only',
    met: 'invalid',
    files: beside([model()], [withMetric('gpuMemoryBytes', 1e9)]),
  },
  { name: 'nothing to compare with', met: 'inconclusive', files: beside([model()], []) },
  {
    name: 'too noisy to say',
    met: 'inconclusive',
    files: beside([model(steady(8, numbers, 0.1))], [model()]),
  },
  {
    name: 'a regression',
    met: 'fail',
    files: beside([slower(1.2)], [model()]),
  },
]

/** Both sides were sent `bbbb`, and the reference's configuration would send what is given. */
const sentData = (inputData: string | null): Partial<Files> => {
  const limits = limitsOf(readConfig('concurrency: 8\n', 'c.yml', {}), [name])
  const models = limits.models.map((each) => ({ ...each, inputData }))
  return beside([model()], [model()], {
    environment: { ...environment, inputData: { [name]: 'bbbb' } },
    git: { contained: [], reference: { status: 'read', commit: sha('b'), limits: { ...limits, models } } },
  })
}

const configuring: Fault[] = [
  { name: 'a key that is misspelt', met: 'error 2', files: { config: 'latency_bugdet: 10\n' } },
  { name: 'a budget that is broken', met: 'fail', files: { config: 'concurrency: 8\nlatency_budget: 30\n' } },
  {
    name: 'a budget on what was not measured',
    met: 'invalid',
    files: { config: 'concurrency: 8\nconstraints: {gpu_used_memory: {max: 4000}}\n' },
  },
  {
    name: 'a budget on p99, and too few requests for one',
    met: 'inconclusive',
    files: {
      ...beside([model(undefined, { metrics: tooFewForP99 })], [model()]),
      config: 'concurrency: 8\nlatency_budget: 90\n',
    },
  },
  {
    name: 'an acceptance that has expired',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until: 2025-12-31') },
  },
  {
    name: 'an acceptance whose end is out of sight, in the files of a run',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until: 9999-12-31') },
  },
  {
    name: 'an acceptance until a commit that git does not know',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until_commit: "0123abc"') },
  },
  {
    name: 'a regression beyond what is accepted',
    met: 'fail',
    files: { ...beside([slower(1.8)], [model()]), config: accepted('until: 2026-12-31') },
  },
  {
    name: 'an acceptance that was used up on another class of machines',
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()]),
      config: accepted('until: 2026-12-31'),
      baseline: {
        ...stored,
        environment: otherMachine,
        acceptedBefore: (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
          model: name,
          load: 'concurrency=8',
          metric,
          commit: sha('d'),
          reason: 'a larger model',
        })),
      },
    },
  },
  {
    name: "an acceptance that the reference's configuration has already",
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()], {
        git: {
          contained: [],
          reference: {
            status: 'read',
            commit: sha('b'),
            limits: limitsOf(readConfig(accepted('until: 2026-12-31'), 'c.yml', {}), [name]),
          },
        },
      }),
      config: accepted('until: 2026-12-31'),
    },
  },
  {
    name: 'an acceptance of a model that is not there',
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()]),
      config: accepted('until: 2026-12-31').replaceAll('model: m,', 'model: n,'),
    },
  },
  {
    name: 'an acceptance without an end',
    met: 'error 2',
    files: { config: accepted('up_to: 50%').replaceAll('up_to: 50%, reason', 'reason') },
  },
  {
    name: 'limits that the pull request loosens',
    met: 'pass',
    files: {
      ...beside([model()], [model()], {
        git: {
          contained: [],
          reference: {
            status: 'read',
            commit: sha('b'),
            limits: limitsOf(readConfig('concurrency: 8\nlatency_budget: 60\n', 'c.yml', {}), [name]),
          },
        },
      }),
      config: 'concurrency: 8\nlatency_budget: 90\ngate: {tolerance: {perf_latency_p99: 20%}}\n',
    },
  },
  {
    name: 'input data that the pull request changes under the same name',
    met: 'pass',
    files: sentData('aaaa'),
  },
  {
    name: 'input data of the reference that cannot be read',
    met: 'pass',
    files: sentData(null),
  },
  {
    name: 'the configuration of the reference cannot be read',
    met: 'pass',
    files: beside([model()], [model()], {
      git: { contained: [], reference: { status: 'unreadable', commit: sha('b'), why: 'a link' } },
    }),
  },
]

/** Every fault by what it is a fault of. Those that pass are here because they are no reason not to, and say so. */
export const faults: Readonly<Record<string, readonly Fault[]>> = {
  'The baseline file': baselineFile,
  'What the baseline holds': baselineContent,
  'The baseline on GitHub': baselineOnGithub,
  'The history of the main branch': mainHistory,
  'Before anything is measured': early,
  'The measurement': measuring,
  'The configuration': configuring,
}
