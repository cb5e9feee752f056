import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

const keys = ['concurrency', 'constraints', 'objectives', 'gate']

test.each([
  ['concurency', 'concurrency'],
  ['Constraint', 'constraints'],
  ['gates', 'gate'],
  ['objective', 'objectives'],
])('%s → %s', (word, expected) => expect(nearest(word, keys)).toBe(expected))

test('suggests nothing where nothing is near', () => {
  expect(nearest('plots', keys)).toBeUndefined()
  expect(nearest('gate', [])).toBeUndefined()
})
