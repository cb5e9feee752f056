import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { parseDuration } from './duration.ts'

test.each([
  ['300s', 300e9],
  ['5m', 300e9],
  ['5min', 300e9],
  [' 1m 30s ', 90e9],
  ['250ms', 250e6],
  ['1.5h', 5400e9],
])('%s', (text, ns) => expect(parseDuration(text)).toBe(ns))

test.each(['', '300', 's', '0s', '-1s', '5 weeks', '1e3s', 's5', '5s!', '9999999999h'])(
  'refuses %j',
  (text) => {
    expect(() => parseDuration(text)).toThrow(GateError)
  },
)

test('a sum of parts is the sum of its parts', () => {
  const part = fc.tuple(fc.integer({ min: 1, max: 600 }), fc.constantFrom('ms', 's', 'm', 'h'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const texts = parts.map(([amount, unit]) => `${amount}${unit}`)
      expect(parseDuration(texts.join(''))).toBe(texts.map(parseDuration).reduce((a, b) => a + b))
    }),
  )
})
