import { expect, test } from 'vitest'
import { judgingFlags, measuringFlags } from './flags.ts'

test('what stood above the file is said in the words of the command line', () => {
  const overrides = {
    modelRepository: 'models',
    models: ['a'],
    engine: 'perf_analyzer',
    tritonImage: 'nvcr.io/nvidia/tritonserver:24.10-py3',
    timeBudgetNs: 90e9,
    latencyBudgetMs: 10.5,
    onInconclusive: 'fail',
    release: true,
    runConfigSearchMode: 'off',
  } as const
  expect(measuringFlags(overrides)).toEqual([
    '--engine perf_analyzer',
    '--triton-image nvcr.io/nvidia/tritonserver:24.10-py3',
    '--time-budget 90s',
    '--search-mode off',
  ])
  expect(judgingFlags(overrides)).toEqual([
    '--models a',
    '--latency-budget 10.5',
    '--on-inconclusive fail',
    '--release',
  ])
  expect([...measuringFlags({}), ...judgingFlags({ release: false })]).toEqual([])
})

test('a value stands there as it is: a report quotes it', () => {
  expect(measuringFlags({ tritonImage: "a 'b'" })).toEqual(["--triton-image a 'b'"])
})
