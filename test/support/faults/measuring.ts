import { clientHealth } from '../../../src/load/client-health.ts'
import { steady } from '../compare-model.ts'
import { concurrency8, makeMeasurements, makeModel, makeScenario } from '../make-measurements.ts'
import type { Fault } from './fault.ts'
import {
  alone,
  beside,
  changed,
  failed,
  model,
  name,
  numbers,
  otherLoad,
  slower,
  voidFor,
  withMetric,
} from './parts.ts'

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

export const measuring: Fault[] = [
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
