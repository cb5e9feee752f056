import { expect, test } from 'vitest'
import { budgetWords } from './budget.ts'

const spending = (made: number, timeLeftNs: number | null) => ({
  points: Array.from({ length: made }),
  budget: { maxMeasurements: 20, timeLeftNs, costNs: { load: 2e9, measure: 1e9 } },
})

test('a search says which of its budgets has ended it', () => {
  expect(budgetWords(spending(20, 90e9))).toBe('the budget of 20 measurements is used')
  expect(budgetWords(spending(4, 1.5e9))).toBe('the 1.5 s left do not allow another measurement')
  expect(budgetWords(spending(4, -1e9))).toBe('the 0.0 s left do not allow another measurement')
})

test('measurements that are kept for confirming are no lack of time', () => {
  expect(budgetWords(spending(18, 90e9), 2)).toBe('the budget of 20 measurements is used')
  expect(budgetWords(spending(17, 5e9), 2)).toBe(
    'the 5.0 s left do not allow another measurement beside those that confirm',
  )
})
