import { expect, test } from 'vitest'
import { cpuEnvironment } from '../../test/support/result-parts.ts'
import { incomparable, unlike } from './environment.ts'

test('other input data of a model are no other environment; data that one side alone knows of are', () => {
  const withData = (inputData: Record<string, string>) => ({ ...cpuEnvironment, inputData })
  expect(incomparable(withData({ a: 'x' }), withData({ a: 'other' }))).toEqual([])
  expect(incomparable(withData({}), cpuEnvironment)).toEqual(['input data: known of one side only'])
  expect(incomparable(cpuEnvironment, withData({}))).toEqual(['input data: known of one side only'])
  expect(incomparable(cpuEnvironment, cpuEnvironment)).toEqual([])
})

test('files that are older than versions of the load generator and names of container engines are of the first and of docker', () => {
  const { triton } = cpuEnvironment
  expect(incomparable(cpuEnvironment, { ...cpuEnvironment, generatorVersion: 1 })).toEqual([])
  expect(
    incomparable(cpuEnvironment, { ...cpuEnvironment, triton: { ...triton, containerEngine: 'docker' } }),
  ).toEqual([])
})

test('with perf_analyzer the version of a generator that was not used makes no difference', () => {
  const engine = 'perf_analyzer 2.59.0'
  expect(
    incomparable({ ...cpuEnvironment, engine, generatorVersion: 2 }, { ...cpuEnvironment, engine }),
  ).toEqual([])
})

test('a share of the CPUs, and slices of a GPU, are part of what is measured on; a kernel is not', () => {
  const { host } = cpuEnvironment
  const limited = { ...cpuEnvironment, host: { ...host, cpuLimit: 2 } }
  expect(incomparable(cpuEnvironment, limited)).toEqual(['CPU limit: none ≠ 2'])
  const on = (mig: boolean | null) => ({
    ...cpuEnvironment,
    gpus: [{ uuid: 'u', name: 'NVIDIA A100', driverVersion: '1', memoryTotalBytes: 1, mig }],
  })
  expect(incomparable(on(false), on(true))).toEqual([
    'GPU: NVIDIA A100 (driver 1) ≠ NVIDIA A100 (driver 1, MIG)',
  ])
  expect(incomparable(on(false), on(null))).toEqual([])
  const patched = { ...cpuEnvironment, host: { ...host, os: 'Linux 7' } }
  expect(incomparable(cpuEnvironment, patched)).toEqual([])
  expect(unlike(cpuEnvironment, patched)).toEqual([expect.stringMatching(/^system: .* ≠ Linux 7$/)])
})

test('another endpoint of a remote server can be compared, and is told', () => {
  const at = (source: string) => ({
    ...cpuEnvironment,
    triton: { ...cpuEnvironment.triton, mode: 'remote' as const, source },
  })
  expect(incomparable(at('grpc://a:1'), at('grpc://b:1'))).toEqual([])
  expect(unlike(at('grpc://a:1'), at('grpc://b:1'))).toEqual(['endpoint: grpc://a:1 ≠ grpc://b:1'])
})

test('an image that was built anew under the same version can be compared, but foretells nothing', () => {
  const of = (source: string) => ({
    ...cpuEnvironment,
    triton: { ...cpuEnvironment.triton, mode: 'docker' as const, source },
  })
  expect(incomparable(of('t@sha256:1'), of('t@sha256:2'))).toEqual([])
  expect(unlike(of('t@sha256:1'), of('t@sha256:2'))).toEqual(['image: t@sha256:1 ≠ t@sha256:2'])
  expect(unlike(cpuEnvironment, cpuEnvironment)).toEqual([])
  const elsewhere = { ...cpuEnvironment, host: { ...cpuEnvironment.host, runnerClass: 'other' } }
  expect(unlike(cpuEnvironment, elsewhere)).toEqual(incomparable(cpuEnvironment, elsewhere))
})
