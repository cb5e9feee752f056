import { describe, expect, test } from 'vitest'
import { base, compare, notRequested, steady } from '../../test/support/compare-model.ts'
import {
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Repetition } from '../domain/scenario.ts'
import { compareModels } from './compare.ts'

describe('GPU memory', () => {
  const mib = 2 ** 20
  const memory = (bytes: number) => steady(4, { ...base, gpuMemoryBytes: bytes })

  test.each([
    [1000 * mib, 1036 * mib, 'pass'],
    [1000 * mib, 1036 * mib + 1, 'fail'],
    [1000 * mib, 500 * mib, 'pass'],
    [0, 16 * mib, 'pass'],
    [0, 16 * mib + 1, 'fail'],
  ] as const)('%d → %d bytes: %s (2 % and 16 MiB)', (before, after, status) => {
    const row = compare(memory(before), memory(after))('gpuMemoryBytes')
    expect(row).toMatchObject({ status, primary: true, pValue: null })
  })

  test('the highest repetition counts', () => {
    const candidate = memory(1000 * mib)
    const grown = { ...(candidate[2] as Repetition) }
    candidate[2] = { ...grown, metrics: { ...grown.metrics, gpuMemoryBytes: 2000 * mib } }
    expect(compare(memory(1000 * mib), candidate)('gpuMemoryBytes')?.status).toBe('fail')
  })

  test('no GPU: no row; a reading lost on one side: invalid', () => {
    expect(compare(steady(4, base), steady(4, base))('gpuMemoryBytes')).toBeUndefined()
    expect(compare(memory(1000 * mib), steady(4, base))('gpuMemoryBytes')?.status).toBe('invalid')
    expect(compare(steady(4, base), memory(1000 * mib))('gpuMemoryBytes')?.status).toBe('invalid')
  })

  test('how it was read is said; read in two ways, or a GPU that cannot be read: invalid', () => {
    const rowOf = ([before, after]: readonly [string, string], bytes: number | null = 1000 * mib) => {
      const model = (reason: string) => {
        const scenario = makeScenario(bytes === null ? steady(4, base) : memory(bytes))
        const gpuMemoryBytes = { value: bytes, interval: null, n: 4, unit: 'bytes' as const, reason }
        return makeModel('m', [{ ...scenario, metrics: { ...scenario.metrics, gpuMemoryBytes } }])
      }
      const { models } = compareModels({
        measurements: makeMeasurements([model(after)], [model(before)]),
        baseline: null,
        baselineStatus: notRequested,
        config: makeConfig(),
        mode: 'gate',
      })
      return models[0]?.comparisons.find(({ metric }) => metric === 'gpuMemoryBytes')
    }
    expect(rowOf(['own', 'own'])).toMatchObject({ status: 'pass', footnotes: ['own'] })
    expect(rowOf(['own', 'devices'])).toMatchObject({
      status: 'invalid',
      footnotes: [expect.stringContaining('not read in the same way'), 'own', 'devices'],
    })
    expect(rowOf(['lost', 'lost'], null)).toMatchObject({ status: 'invalid', footnotes: ['lost'] })
  })
})
