import { expect, test } from 'vitest'
import { maxLooks } from '../domain/scenario.ts'
import { closingLevels, interimLevels, lookSchedule, screeningLevel, totalLevels } from './looks.ts'

test('looks at 4, 8 and the last repetition, and never beyond it', () => {
  expect(lookSchedule(14)).toEqual([4, 8, 14])
  expect(lookSchedule(8)).toEqual([4, 8])
  expect(lookSchedule(4)).toEqual([4])
  expect(lookSchedule(2)).toEqual([2])
  expect(lookSchedule(40).length).toBeLessThanOrEqual(maxLooks)
})

test('whatever look a measurement ends at, what was spent before and at the end adds up to the total', () => {
  const looks = lookSchedule(14)
  for (let n = 1; n <= 16; n++) {
    const before = looks.slice(0, -1).filter((look) => look < n)
    const spent = before.reduce((sum, _, index) => sum + interimLevels(index).fail, 0)
    expect(spent + closingLevels(looks, n).fail).toBeCloseTo(totalLevels.fail, 12)
    const passes = before.reduce((sum, _, index) => sum + interimLevels(index).pass, 0)
    expect(passes + closingLevels(looks, n).pass).toBeCloseTo(totalLevels.pass, 12)
  }
})

test('an interim look spends less than the analysis that ends there, or its decisions could be taken back', () => {
  const looks = lookSchedule(14)
  for (const [index, look] of looks.slice(0, -1).entries()) {
    expect(interimLevels(index).fail).toBeLessThan(closingLevels(looks, look).fail)
    expect(interimLevels(index).pass).toBeLessThan(closingLevels(looks, look).pass)
  }
})

test('the last look is no interim look', () => {
  expect(() => interimLevels(maxLooks - 1)).toThrow(RangeError)
})

test('a single look has everything', () => {
  expect(closingLevels([8], 8)).toEqual(totalLevels)
  expect(closingLevels([], 8)).toEqual(totalLevels)
})

test('a look at the candidate alone is paid for by what passing may err at the end', () => {
  const looks = lookSchedule(14)
  for (const n of looks) {
    expect(closingLevels(looks, n).pass - closingLevels(looks, n, true).pass).toBeCloseTo(screeningLevel, 12)
    expect(closingLevels(looks, n, true).fail).toBe(closingLevels(looks, n).fail)
  }
  for (const [index, look] of looks.slice(0, -1).entries())
    expect(interimLevels(index).pass).toBeLessThan(closingLevels(looks, look, true).pass)
})
