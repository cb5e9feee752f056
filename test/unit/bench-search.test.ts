import { expect, test } from 'vitest'
import { judgeSearch, type Round, type Swept, type Theirs } from '../../bench/search-judge.ts'

const seconds = (count: number) => count * 1e9

function swept(wallS: number, underLoadShare: number): Swept {
  const wallNs = seconds(wallS - 10)
  return {
    wallNs: seconds(wallS),
    summary: {
      mode: 'quick',
      measurements: 18,
      stopped: 'nothing that is left is expected to be better',
      wallNs,
      underLoadNs: underLoadShare * wallNs,
      phases: { startNs: seconds(1), loadNs: seconds(6), stopNs: seconds(2), otherNs: seconds(1) },
      notes: [],
      answer: null,
    },
  }
}

const run = (wallS: number): Theirs => ({ wallNs: seconds(wallS), measurements: 16 })
const theirs = { quick: run(160), brute: run(250) }
const round = (changes: Partial<Round> & { quick?: Round['swept']['quick'] } = {}): Round => {
  const { quick = swept(40, 0.7), ...others } = changes
  return {
    swept: { quick, brute: swept(100, 0.8) },
    remeasured: { throughputRatio: 1, quickHolds: true, bruteHolds: true },
    ...others,
  }
}

test('all targets met: medians, and their ratio to Model Analyzer', () => {
  const slow = round({ quick: swept(60, 0.5) })
  const { markdown, passed } = judgeSearch('m', [round(), slow, round()], theirs)
  expect(passed).toBe(true)
  expect(markdown).toContain(
    '| quick | 40.0 s | 30.0 s | 18 | 70 % | 6.0 s / 3.0 s / 1.0 s | 160.0 s (0.25) |',
  )
  expect(markdown).toContain('All targets are met.')
})

test.each([
  ['too long', round({ quick: swept(51, 0.7) }), 'quick takes 51.0 s'],
  ['too little under load', round({ quick: swept(40, 0.59) }), "59 % of quick's sweep is under load"],
  [
    'a worse winner',
    round({ remeasured: { throughputRatio: 0.94, quickHolds: true, bruteHolds: true } }),
    "quick's winner has 0.94 of the throughput of brute's",
  ],
  [
    'a winner that breaks the limit',
    round({ remeasured: { throughputRatio: 1.1, quickHolds: false, bruteHolds: true } }),
    "quick's winner breaks the limit when measured again, and brute's does not, in 1 of 1 rounds",
  ],
  ['no winner', round({ remeasured: null }), 'without two winners to compare: 1 of 1 rounds'],
])('missed: %s', (_, only, words) => {
  const { markdown, passed } = judgeSearch('m', [only], theirs)
  expect(passed).toBe(false)
  expect(markdown).toContain(`Missed:\n- ${words}`)
})

test("a winner of brute's that breaks the limit when measured again is nothing to be measured against", () => {
  const lucky = round({ remeasured: { throughputRatio: 0.8, quickHolds: true, bruteHolds: false } })
  const { markdown, passed } = judgeSearch('m', [lucky], theirs)
  expect(passed).toBe(true)
  expect(markdown).toContain("0.80 (brute's breaks the limit)")
})

test('where Model Analyzer fails our numbers stand, and the missing ratio is a missed target', () => {
  const failed = { quick: 'its progress\nit ended with 1: perf_analyzer took very long', brute: run(250) }
  const { markdown, passed } = judgeSearch('m', [round()], failed)
  expect(passed).toBe(false)
  expect(markdown).toContain('| quick | 40.0 s | 30.0 s | 18 | 70 % | 6.0 s / 3.0 s / 1.0 s | failed |')
  expect(markdown).toContain('| 250.0 s (0.40) |')
  expect(markdown).toContain(
    "Missed:\n- Model Analyzer's quick gave no answer, so its ratio is missing: it ended with 1: perf_analyzer took very long",
  )
})
