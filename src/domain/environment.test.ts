import { expect, test } from 'vitest'
import { cpuEnvironment } from '../../test/support/result-fixtures.ts'
import { incomparable } from './environment.ts'

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
