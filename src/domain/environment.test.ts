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
