import { expect, test } from 'vitest'
import { histories } from './histories.ts'
import type { Noise } from './noise.ts'
import { simulateScreening } from './screening.ts'
import { exceeds } from './tally.ts'

// The larger counts are in docs/history.md (npm run calibrate:history).

const candidates = 60
const noises = Object.keys(histories) as Noise[]

test.each(noises)('nothing of +20 percent is cleared, and hardly anything of the tolerance: %s', (noise) => {
  for (const sd of [0.006, 0.02]) {
    const scene = { noise, runs: 30, sd, both: false }
    expect(simulateScreening({ ...scene, ratio: 1.2 }, { candidates, seed: 1 }).cleared).toBe(0)
    const { tried, cleared } = simulateScreening({ ...scene, ratio: 1.0501 }, { candidates, seed: 2 })
    expect(exceeds(Math.round(tried * cleared * candidates), candidates, 0.05)).toBe(false)
  }
})

test('a quiet history clears what did not change', () => {
  const scene = { noise: 'normal', runs: 30, sd: 0.004, both: false, ratio: 1 } as const
  const { tried, cleared } = simulateScreening(scene, { candidates, seed: 3 })
  expect(tried).toBeGreaterThan(0.8)
  expect(cleared).toBeGreaterThan(0.8)
})
