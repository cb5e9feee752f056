import { expect, test } from 'vitest'
import { cpuEnvironment } from '../../test/support/result-fixtures.ts'
import { incomparable, unlike } from './environment.ts'

test('other input data of a model make environments incomparable; a model of one side alone does not', () => {
  const withData = (inputData: Record<string, string>) => ({ ...cpuEnvironment, inputData })
  const base = withData({ a: 'x', gone: 'y' })
  expect(incomparable(base, withData({ a: 'x', fresh: 'z' }))).toEqual([])
  expect(incomparable(base, withData({ a: 'other' }))).toEqual(['input data of a: x ≠ other'])
  expect(incomparable(base, cpuEnvironment)).toEqual(['input data: known of one side only'])
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
