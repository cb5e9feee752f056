import { expect, test } from 'vitest'
import { environment, makeRepositoryOf } from '../../test/support/make-measurements.ts'
import { settingsHash } from '../config/conditions.ts'
import { readConfig } from '../config/load-config.ts'
import type { Measurements } from '../domain/measurements.ts'
import { schemaVersion } from '../domain/measurements.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { tool } from '../domain/tool.ts'
import { closureHash } from '../repository/repository.ts'
import { type Resuming, resumed, sweepBegin } from './resume.ts'

const config = readConfig('concurrency: 1\n', 'gate.yml', {})

const candidate = makeRepositoryOf('a')

function left(change: Partial<ModelMeasurement> = {}, ofRun: Partial<Measurements> = {}): Measurements {
  const model: ModelMeasurement = {
    name: 'm',
    contentHash: closureHash(candidate, 'm'),
    configText: null,
    status: 'measured',
    scenarios: [],
    settingsHash: settingsHash(config, 'm'),
    sweep: sweepBegin(5),
    search: null,
    warnings: [],
    ...change,
  }
  return {
    kind: 'measurements',
    schemaVersion,
    tool,
    createdAt: '',
    commit: null,
    complete: false,
    seed: 1,
    environment,
    models: [model],
    reference: null,
    warnings: [],
    wallNs: 0,
    ...ofRun,
  }
}

function resume(previous: Measurements, change: Partial<Resuming> = {}) {
  const said: string[] = []
  const run: Resuming = {
    config,
    environment,
    candidate,
    reference: null,
    isCleared: () => false,
    progress: (words) => said.push(words),
    ...change,
  }
  return { kept: [...resumed(previous, run).keys()], said }
}

test('a model whose gated loads were done is gone on with', () => {
  expect(resume(left())).toEqual({ kept: ['m'], said: ['m: resumed after 0 measurements of its sweep'] })
})

test.each<[string, Measurements, Partial<Resuming>]>([
  ['its gated loads were not done', left({ sweep: undefined }), {}],
  ['its gated loads were not done', left({ status: 'failed' }), {}],
  ['its files have changed', left(), { candidate: makeRepositoryOf('b') }],
  ['its settings have changed', left(), { config: readConfig('concurrency: 2\n', 'gate.yml', {}) }],
  [
    'its settings have changed',
    left(),
    {
      config: readConfig(
        'concurrency: 1\ntriton_server_flags: {rate-limit: execution_count}\n',
        'gate.yml',
        {},
      ),
    },
  ],
  [
    'its input data have changed',
    left({}, { environment: { ...environment, inputData: { m: 'then' } } }),
    { environment: { ...environment, inputData: { m: 'now' } } },
  ],
  ['its reference is another one', left(), { reference: { repository: makeRepositoryOf('r') } }],
  [
    'its file is not of one piece',
    left({
      sweep: {
        ...sweepBegin(5),
        points: [
          {
            configuration: { committed: true, instanceCount: 1, maxBatchSize: 0, dynamicBatching: false },
            load: { mode: 'concurrency', concurrency: 1 },
            metrics: null,
          },
        ],
      },
    }),
    {},
  ],
])('measured afresh, since %s', (why, previous, change) => {
  expect(resume(previous, change)).toEqual({ kept: [], said: [`m: measured afresh, since ${why}`] })
})

test('a model that the history cleared is gone on with where it clears it again', () => {
  const reference = { repository: makeRepositoryOf('r') }
  const asked: string[] = []
  const isCleared = ({ name }: ModelMeasurement) => asked.push(name) > 0
  expect(resume(left({ screening: 'cleared' }), { reference, isCleared }).kept).toEqual(['m'])
  expect(asked).toEqual(['m'])
  expect(resume(left({ screening: 'cleared' }), { reference })).toEqual({
    kept: [],
    said: ['m: measured afresh, since its history does not clear it here'],
  })
  const other = makeRepositoryOf('b')
  expect(resume(left({ screening: 'cleared' }), { reference, isCleared, candidate: other }).kept).toEqual([])
})

test('other limits and objectives are no reason to measure again', () => {
  const other = readConfig(
    'concurrency: 1\nlatency_budget: 3\nobjectives: [perf_latency_p99]\ngate: {search_max_measurements: 40}\n',
    'gate.yml',
    {},
  )
  expect(resume(left(), { config: other }).kept).toEqual(['m'])
})

test.each([
  [{ triton: { ...environment.triton, version: '2.52.0' } }, 'Triton version: 2.51.0 ≠ 2.52.0'],
  [{ triton: { ...environment.triton, source: 'other' } }, 'Triton: wheel ≠ other'],
  [{ host: { ...environment.host, cpuLimit: 1 } }, 'CPU limit: none ≠ 1'],
  [{ tool: { ...tool, version: '0.0.1' } }, `version: ${tool.version} ≠ 0.0.1`],
  [
    { gpus: [{ uuid: 'GPU-1', name: 'A', driverVersion: '1', memoryTotalBytes: 1, mig: null }] },
    'GPU: none ≠ GPU-1',
  ],
])('another environment is refused, and how to start afresh is said', (change, difference) => {
  const act = () => resume(left(), { environment: { ...environment, ...change } })
  expect(act).toThrow(difference)
  expect(act).toThrow(
    expect.objectContaining({
      code: 'environment',
      hint: expect.stringContaining('leave out --resume to start afresh'),
    }),
  )
})
