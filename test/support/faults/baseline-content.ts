import type { Environment } from '../../../src/domain/environment.ts'
import { together } from '../../../src/domain/load.ts'
import { steady } from '../compare-model.ts'
import { concurrency8, environment, makeModel, makeScenario } from '../make-measurements.ts'
import type { Fault, Files } from './fault.ts'
import {
  alone,
  beside,
  history,
  model,
  name,
  numbers,
  olderBaseline,
  otherLoad,
  slower,
  storedModels,
  storedWith,
} from './parts.ts'

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

export const baselineContent: Fault[] = [
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
