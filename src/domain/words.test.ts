import fc from 'fast-check'
import { expect, test } from 'vitest'
import { betterInWords, betterThan } from './words.ts'

test.each([
  [0, '0.0 % better than'],
  [0.183, '18.3 % better than'],
  [0.9994, '99.9 % better than'],
  [0.9996, '2.0 times as good as'],
  [1, '2.0 times as good as'],
  [8.59, '9.6 times as good as'],
  [8.97, '10 times as good as'],
  [57.4, '58 times as good as'],
  [-0.02, '2.0 % worse than'],
])('a gain of %d is %s', (gain, words) => {
  expect(betterThan(gain)).toBe(words)
  expect(words.startsWith(betterInWords(gain))).toBe(true)
})

test('no gain is told with three digits before the point and a per cent', () => {
  fc.assert(
    fc.property(fc.double({ min: -1, max: 1e3, noNaN: true }), (gain) => {
      expect(betterInWords(gain)).toMatch(
        /^(\d{1,2}\.\d % (better|worse)|100 % worse|\d+(\.\d)? times as good)$/,
      )
    }),
  )
})
