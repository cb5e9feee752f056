import { expect, test } from 'vitest'
import { budgetWords } from './budget.ts'

const spending = (made: number, timeLeftNs: number | null) => ({
  points: Array.from({ length: made }),
  budget: { maxMeasurements: 20, timeLeftNs, costNs: { load: 2e9, measure: 1e9 } },
})

test('a search says which of its budgets has ended it', () => {
  expect(budgetWords(spending(20, 90e9))).toBe('the budget of 20 measurements is used')
  expect(budgetWords({ points: [1], budget: { ...spending(0, null).budget, maxMeasurements: 1 } })).toBe(
    'the budget of 1 measurement is used',
  )
  expect(budgetWords(spending(4, 1.5e9))).toBe('the 1.5 s left do not allow the next measurement')
  expect(budgetWords(spending(4, -0.3e9))).toBe('the 0.0 s left do not allow the next measurement')
})

test('it says that the time was used before the search began, and by how much', () => {
  expect(budgetWords(spending(0, -9e9))).toBe(
    'the time is used, and 9.0 s more: gated loads, and what has begun, are not cut',
  )
  // Where the measurements are used as well these have ended it.
  expect(budgetWords(spending(20, -9e9))).toBe('the budget of 20 measurements is used')
})

test('measurements that are kept for confirming are no lack of time', () => {
  expect(budgetWords(spending(18, 90e9), 2)).toBe(
    'the budget of 20 measurements is used, but for 2 kept for confirming',
  )
  expect(budgetWords(spending(20, 90e9), 2)).toBe('the budget of 20 measurements is used')
  expect(budgetWords(spending(17, 5e9), 2)).toBe(
    'the 5.0 s left do not allow the next measurement beside those that confirm',
  )
})
