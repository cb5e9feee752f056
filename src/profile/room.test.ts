import { expect, test } from 'vitest'
import {
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Measurements } from '../domain/measurements.ts'
import { memorySources } from '../gpu/readings.ts'
import { gpuRoom, growthOf, serversThatFit, sweepServers } from './room.ts'

const gib = 2 ** 30
const roomOf = (freeGib: number, usedMib = 0, sharedMib = 64) => ({
  hasGpuDevice: false,
  isOneRunning: true,
  gpuFreeBytes: Number.POSITIVE_INFINITY,
  freeBytes: freeGib * gib,
  shared: { usedBytes: usedMib * 2 ** 20, freeBytes: sharedMib * 2 ** 20 },
})
const plenty = roomOf(100)

function measured(gpuGib: number | null, hostGib: number | null, gpuTotalGib = 24): Measurements {
  const value = (amount: number | null) =>
    amount === null ? null : ({ value: amount * gib, interval: null, n: 1, unit: 'bytes' } as const)
  const scenario = makeScenario([makeRepetition(0, { latencyP99Ns: 1, inferPerSec: 1 })], {
    metrics: { gpuMemoryBytes: value(gpuGib), serverMemoryBytes: value(hostGib) },
  })
  const base = makeMeasurements([makeModel('m', [scenario])], [])
  const gpu = { uuid: 'u', name: 'L4', driverVersion: '1', memoryTotalBytes: gpuTotalGib * gib, mig: null }
  return {
    ...base,
    environment: {
      ...base.environment,
      gpus: [gpu],
      host: { ...base.environment.host, memoryTotalBytes: 16 * gib },
    },
  }
}

/** With what the GPU memory was read from. */
function readFrom(measurements: Measurements, reason: string): Measurements {
  const models = measurements.models.map((model) => ({
    ...model,
    scenarios: model.scenarios.map((scenario) => {
      const { gpuMemoryBytes = null } = scenario.metrics
      return {
        ...scenario,
        metrics: { ...scenario.metrics, gpuMemoryBytes: gpuMemoryBytes && { ...gpuMemoryBytes, reason } },
      }
    }),
  }))
  return { ...measurements, models }
}

test('by the memory that runs out first, with a tenth to spare', () => {
  expect(serversThatFit(measured(5, 1))).toBe(4)
  expect(serversThatFit(measured(10, 1))).toBe(2)
  expect(serversThatFit(measured(1, 4))).toBe(3)
})

test('what was not measured does not limit', () => {
  expect(serversThatFit(measured(null, 4))).toBe(3)
  expect(serversThatFit(measured(null, null))).toBe(Number.POSITIVE_INFINITY)
})

test('a sweep has as many servers as fit twice, eight at most; one where memory of a GPU is read, or one takes long to start', () => {
  const context = (mode: 'embedded' | 'local' | 'docker' | 'remote', gpu: boolean) =>
    ({ gpu: gpu ? {} : null, launcher: { mode } }) as Parameters<typeof sweepServers>[0]
  const servers = (...[mode, gpu, hostGib]: [...Parameters<typeof context>, number]) =>
    sweepServers(context(mode, gpu), measured(null, hostGib), false, 2, plenty)
  expect([servers('embedded', false, 2), servers('local', false, 4)]).toEqual([3, 1])
  expect(servers('embedded', false, 0.1)).toBe(8)
  expect(servers('embedded', false, 100)).toBe(1)
  expect(sweepServers(context('embedded', false), measured(null, 0.1), true, 2, plenty)).toBe(2)
  expect([
    servers('embedded', true, 0.1),
    servers('docker', false, 0.1),
    servers('remote', false, 0.1),
  ]).toEqual([1, 1, 1])
})

test('on a GPU as many as its memory holds, where each server is told from the others by its processes', () => {
  const context = { gpu: {}, launcher: { mode: 'local' } } as Parameters<typeof sweepServers>[0]
  const servers = (gpuGib: number, gpuFreeGib: number, source: string = memorySources.processes) =>
    sweepServers(context, readFrom(measured(gpuGib, 0.1), source), false, 2, {
      ...plenty,
      hasGpuDevice: true,
      gpuFreeBytes: gpuFreeGib * gib,
    })
  // Of 24 GiB, each may grow to twice what was measured.
  expect([servers(1, 22), servers(2, 22), servers(5, 22), servers(8, 22)]).toEqual([8, 5, 2, 1])
  // Others hold the rest: one is running.
  expect([servers(1, 5), servers(1, 2), servers(1, 0)]).toEqual([3, 1, 1])
  expect([servers(1, 22, memorySources.devices), servers(1, 22, memorySources.growth)]).toEqual([1, 1])
})

test('what is free with none running holds the first of them, too', () => {
  const context = { gpu: {}, launcher: { mode: 'local' } } as Parameters<typeof sweepServers>[0]
  const gated = readFrom(measured(8, 0.1, 80), memorySources.processes)
  const servers = (isOneRunning: boolean, gpuFreeGib: number, host = plenty) =>
    sweepServers(context, gated, false, 2, {
      ...host,
      hasGpuDevice: true,
      isOneRunning,
      gpuFreeBytes: gpuFreeGib * gib,
    })
  // Each may hold 16 of 80 GiB, of which others hold 60 and 44.
  expect([servers(false, 20), servers(false, 36), servers(true, 36)]).toEqual([1, 2, 3])
  expect([servers(false, 80, roomOf(0.35)), servers(true, 80, roomOf(0.35))]).toEqual([1, 2])
  // What processes share was read with one running in any case.
  expect(servers(false, 80, roomOf(100, 20, 44))).toBe(1)
  expect(servers(false, 80, roomOf(100, 10, 54))).toBe(3)
})

test('the fullest GPU says how much room there is', () => {
  const held = (usedBytes: number) => ({ usedBytes, totalBytes: 24 })
  expect(
    gpuRoom(
      new Map([
        ['a', held(4)],
        ['b', held(20)],
      ]),
    ),
  ).toBe(4)
  expect(gpuRoom(new Map())).toBe(0)
})

test('one where a local server may be on a GPU that nothing is read of; the embedded one never is', () => {
  const servers = (mode: 'embedded' | 'local', hasGpuDevice: boolean) => {
    const context = { gpu: null, launcher: { mode } } as Parameters<typeof sweepServers>[0]
    return sweepServers(context, measured(null, 0.1), false, 2, { ...plenty, hasGpuDevice })
  }
  expect([servers('local', true), servers('local', false), servers('embedded', true)]).toEqual([1, 8, 8])
})

test('by the memory that is free now, and by the instances that may come', () => {
  const context = { gpu: null, launcher: { mode: 'local' } } as Parameters<typeof sweepServers>[0]
  const servers = (growth: number, freeGib: number, ...shared: number[]) =>
    sweepServers(context, measured(null, 0.5), false, growth, roomOf(freeGib, ...shared))
  // Of 16 GiB in all.
  expect([servers(2, 16), servers(5, 16), servers(10, 16)]).toEqual([8, 5, 2])
  // One is running, whatever is free.
  expect([servers(2, 4), servers(2, 1.2), servers(2, 1.1), servers(2, 0)]).toEqual([4, 2, 1, 1])
  // What python backends share: each further server may take five times the 4 MiB of the first.
  expect([servers(5, 16, 4), servers(5, 16, 1), servers(5, 16, 20)]).toEqual([3, 5, 1])
  const search = { mode: 'quick', instanceCount: { min: 1, max: 5 } } as Parameters<typeof growthOf>[0]
  const of = (instanceCount: number | null, change = {}) =>
    growthOf({ ...search, ...change }, { instanceCount })
  expect([of(1), of(2), of(4), of(null)]).toEqual([5, 2.5, 2, 5])
  expect([of(1, { instanceCounts: [1, 12] }), of(1, { mode: 'manual' })]).toEqual([12, 2])
})
