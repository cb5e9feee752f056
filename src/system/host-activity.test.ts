import { expect, test } from 'vitest'
import {
  cpuDeltaNs,
  freeMemoryBytes,
  type HostReading,
  hostActivity,
  parseCpuMax,
  parseCpuTicks,
  parseMemoryRoom,
  parsePressure,
  parseThrottled,
  readHost,
  sharedMemoryRoom,
} from './host-activity.ts'

test('the kernel’s files, and their absence', () => {
  const stat = 'cpu  100 5 20 800 10 1 2 7 50 0\ncpu0 100 5 20 800 10 1 2 7 50 0\nintr 1\n'
  expect(parseCpuTicks(stat)).toEqual({ total: 945, idle: 810, steal: 7 })
  expect(
    parsePressure('some avg10=0.16 avg60=0.23 avg300=0.42 total=32992486\nfull avg10=0.00 total=9\n'),
  ).toBe(32992486)
  expect(parseThrottled('usage_usec 5\nnr_throttled 2\nthrottled_usec 1234\n')).toBe(1234)
  expect(parseCpuMax('150000 100000\n')).toBe(1.5)
  expect(parseCpuMax('max 100000\n')).toBeNull()
  for (const parse of [parseCpuTicks, parsePressure, parseThrottled, parseCpuMax]) {
    expect(parse(null)).toBeNull()
    expect(parse('something else')).toBeNull()
  }
})

const reading = (changes: Partial<HostReading> = {}): HostReading => ({
  cpu: { total: 1000, idle: 500, steal: 0 },
  pressure: { cpu: 0, memory: 0, io: null },
  throttledUs: null,
  ownCpuNs: new Map([[1, 0]]),
  ...changes,
})

test('what others used is what was busy, without ourselves and what was stolen', () => {
  const after = reading({
    // 200 ticks: 80 idle, 20 stolen, 100 busy, of which 0.6 s = 60 ticks were ours.
    cpu: { total: 1200, idle: 580, steal: 20 },
    pressure: { cpu: 250_000, memory: 0, io: null },
    ownCpuNs: new Map([
      [1, 500_000_000],
      [2, 100_000_000],
    ]),
  })
  expect(hostActivity(reading(), after, 1e9)).toMatchObject({
    otherCpuRatio: 0.2,
    stealRatio: 0.1,
    cpuPressureRatio: 0.25,
    memoryPressureRatio: 0,
    ioPressureRatio: null,
    throttledRatio: null,
  })
})

test('no /proc/stat, or one of zeros, is no zero', () => {
  const nothing = { otherCpuRatio: null, stealRatio: null }
  expect(hostActivity(reading({ cpu: null }), reading({ cpu: null }), 1e9)).toMatchObject(nothing)
  expect(hostActivity(reading(), reading(), 1e9)).toMatchObject(nothing)
})

test('a process that ended takes nothing away', () => {
  const before = new Map([
    [1, 10],
    [2, 50],
  ])
  expect(cpuDeltaNs(before, new Map([[1, 15]]))).toBe(5)
})

test('on this machine our own CPU time is counted', () => {
  const before = readHost([])
  const start = process.cpuUsage()
  const usedUs = () => {
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  // Several of the kernel's ticks.
  while (usedUs() < 60_000);
  const after = readHost([])
  expect(cpuDeltaNs(before.ownCpuNs, after.ownCpuNs)).toBeGreaterThan(0)
})

test('memory that a container can still have: its limit less what is used, files that can be dropped aside', () => {
  expect(parseMemoryRoom('1000\n', '700\n', 'anon 300\ninactive_file 250\nactive_file 9\n')).toBe(550)
  expect(parseMemoryRoom('1000\n', '1200\n', null)).toBe(0)
  for (const max of ['max\n', null, ''])
    expect(parseMemoryRoom(max, '700\n', null)).toBe(Number.POSITIVE_INFINITY)
  expect(parseMemoryRoom('1000\n', null, null)).toBe(Number.POSITIVE_INFINITY)
})

test('on this machine there is memory to be had, and that which processes share is told', () => {
  expect(freeMemoryBytes()).toBeGreaterThan(0)
  const { usedBytes, freeBytes } = sharedMemoryRoom()
  expect(usedBytes).toBeGreaterThanOrEqual(0)
  expect(freeBytes).toBeGreaterThan(0)
})
