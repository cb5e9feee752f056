import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changeInWords, signedPercent } from '../domain/words.ts'
import {
  formatBytes,
  formatConstrained,
  formatDuration,
  formatMetric,
  formatMs,
  formatNumber,
  formatTime,
  formatTolerance,
} from './format.ts'

test.each([
  [0, '0'],
  [9.996, '10.0'],
  [0.0455, '0.0455'],
  [-3.21, '−3.21'],
  [999.6, '1000'],
  [12345.6, '12346'],
  [0.000_05, '0.0001'],
  [0.000_01, '<0.0001'],
])('%d is written %s', (value, text) => {
  expect(formatNumber(value)).toBe(text)
})

test('a written number is within half a unit of its third digit', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1e9, noNaN: true }), (value) => {
      expect(Math.abs(Number(formatNumber(value)) - value) / value).toBeLessThanOrEqual(0.005 + 1e-9)
    }),
  )
})

test('units are those of the field', () => {
  expect(formatMs(28_640_000)).toBe('28.6 ms')
  expect(formatMetric('inferPerSec', 344.2)).toBe('344 infer/s')
  expect(formatMetric('executedBatchSize', 3.4)).toBe('3.40')
  expect(formatMetric('gpuUtilizationRatio', 0.457)).toBe('45.7 %')
  expect(formatMetric('gpuPowerWatts', 71.34)).toBe('71.3 W')
  expect(formatBytes(512 * 1024 ** 2)).toBe('512 MiB')
  expect(formatBytes(1536 * 1024 ** 2)).toBe('1.50 GiB')
  expect(formatBytes(2048)).toBe('2.00 KiB')
})

test('a memory constraint keeps the MB of 1e6 bytes in which it was written', () => {
  expect(formatConstrained('gpuMemoryBytes', 4_000e6)).toBe('4000 MB')
})

test('a change has its sign, and no sign where it rounds to nothing', () => {
  expect(changeInWords(2.38)).toBe('+138 %')
  expect(changeInWords(0.968)).toBe('−3.2 %')
  expect(changeInWords(1.0004)).toBe('±0.0 %')
  expect(signedPercent(0.9996)).toBe('+100 %')
})

test('the tolerance points in the bad direction', () => {
  expect(formatTolerance('latencyP99Ns', 0.05)).toBe('+5 %')
  expect(formatTolerance('inferPerSec', 0.035)).toBe('−3.5 %')
  expect(formatTolerance('inferPerSec', 0)).toBe('0 %')
})

test('durations and times read as a person would say them', () => {
  expect(formatDuration(42e9)).toBe('42 s')
  expect(formatDuration(303e9)).toBe('5 min 03 s')
  expect(formatDuration(3_725e9)).toBe('1 h 02 min')
  expect(formatTime('2026-03-14T09:26:53.000Z')).toBe('2026-03-14 09:26 UTC')
  expect(formatTime('yesterday')).toBe('yesterday')
})
