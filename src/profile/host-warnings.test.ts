import { expect, test } from 'vitest'
import { hostWarnings } from './host-warnings.ts'

const quiet = {
  loadAverage: 7,
  otherCpuRatio: 0.05,
  stealRatio: 0,
  cpuPressureRatio: 0.9,
  memoryPressureRatio: null,
  ioPressureRatio: 0.5,
  throttledRatio: null,
}

test('what our own load does, and what is not known, is no disturbance', () => {
  expect(hostWarnings([{ host: quiet }, {}])).toEqual([])
})

test('each kind once, with how often and how bad', () => {
  const warnings = hostWarnings([
    { host: { ...quiet, otherCpuRatio: 0.2, stealRatio: 0.02 } },
    { host: { ...quiet, otherCpuRatio: 0.45 } },
    { host: quiet },
  ])
  expect(warnings).toEqual([
    expect.stringMatching(
      /^busy machine: in 2 of 3 repetitions more than 10 % of the CPU .* \(up to 45.* %\)$/,
    ),
    expect.stringMatching(/in 1 of 3 repetitions more than 1 % .* hypervisor/),
  ])
})
