import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import { chanceOfWorking } from './failures.ts'
import type { SearchPoint } from './state.ts'

const place = (instanceCount: number, maxBatchSize: number, concurrency = 1) => {
  const configuration: Configuration = {
    committed: false,
    instanceCount,
    maxBatchSize,
    dynamicBatching: true,
  }
  return { configuration, load: { mode: 'concurrency' as const, concurrency } }
}
const worked = (...at: Parameters<typeof place>): SearchPoint => ({
  ...place(...at),
  metrics: { inferPerSec: 1 },
})
const failed = (...at: Parameters<typeof place>): SearchPoint => ({ ...place(...at), metrics: null })

test('without a failure everything may work', () => {
  expect(chanceOfWorking([worked(1, 1)])(place(64, 128))).toBe(1)
})

test('beyond a failure nothing works; below what worked everything does', () => {
  const chance = chanceOfWorking([worked(2, 4), failed(4, 8)])
  expect(chance(place(4, 8))).toBe(0)
  expect(chance(place(5, 16))).toBe(0)
  expect(chance(place(2, 2))).toBe(1)
  expect(chance(place(3, 8))).toBeGreaterThan(0)
  expect(chance(place(3, 8))).toBeLessThan(1)
})

test('failures with small batches too point at the instances', () => {
  const once = chanceOfWorking([worked(1, 32), failed(5, 128)])
  const thrice = chanceOfWorking([worked(1, 32), failed(5, 128), failed(5, 16), failed(5, 4)])
  expect(thrice(place(5, 1))).toBeLessThan(once(place(5, 1)) / 2)
  expect(thrice(place(1, 128))).toBeGreaterThan(thrice(place(4, 4)))
})

test('a configuration that answered at a light load has loaded: that load was too much, and maybe less of it elsewhere', () => {
  const chance = chanceOfWorking([worked(2, 4, 1), failed(2, 4, 64)])
  expect(chance(place(2, 4, 64))).toBe(0)
  expect(chance(place(3, 4, 128))).toBe(0)
  expect(chance(place(1, 4, 64))).toBe(0)
  // More instances may bear more.
  expect(chance(place(8, 4, 64))).toBeGreaterThan(0)
  expect(chance(place(2, 4, 4))).toBeGreaterThan(chance(place(2, 4, 32)))
  expect(chance(place(8, 128, 1))).toBe(1)
})

test('a failure at a heavy load may be the load: the configuration is not given up at a lighter one', () => {
  const chance = chanceOfWorking([worked(1, 1, 1), failed(1, 128, 256)])
  expect(chance(place(1, 128, 256))).toBe(0)
  expect(chance(place(1, 128, 8))).toBeGreaterThan(0)
  expect(chance(place(1, 128, 8))).toBeLessThan(0.5)
  // It worked under as much load: not the load.
  expect(chanceOfWorking([worked(1, 1, 256), failed(1, 128, 256)])(place(1, 128, 8))).toBe(0)
})

test('where a load was too much it explains other failures under it', () => {
  const chance = chanceOfWorking([worked(1, 4, 8), failed(1, 4, 64), failed(4, 8, 128)])
  expect(chance(place(4, 8, 8))).toBe(1)
})

test('too much for many instances as well: then instances do not help', () => {
  const chance = chanceOfWorking([worked(1, 16, 8), failed(1, 16, 32), failed(8, 8, 64)])
  expect(chance(place(8, 16, 64))).toBe(0)
})

test('what is as large as a failure and works tells that it was not the size: larger ones may work too', () => {
  const chance = chanceOfWorking([failed(1, 4), worked(2, 4)])
  expect(chance(place(4, 4))).toBeGreaterThan(0)
  expect(chanceOfWorking([failed(1, 1), failed(2, 1), worked(1, 4)])(place(4, 4))).toBeGreaterThan(0)
  expect(chanceOfWorking([failed(1, 4), worked(2, 4)])(place(1, 4, 16))).toBe(0)
  // A failure that nothing as large refutes is one of that configuration all the same.
  const other = chanceOfWorking([failed(1, 4), worked(2, 4), failed(4, 1)])
  expect(other(place(4, 1, 16))).toBe(0)
  expect(other(place(8, 1, 16))).toBeGreaterThan(0)
  // Beyond what works it may be the size again.
  expect(chanceOfWorking([failed(1, 4), worked(2, 4), failed(4, 8)])(place(8, 8))).toBe(0)
})

test('a configuration that failed once, and answered under more load, may bear more still', () => {
  const chance = chanceOfWorking([worked(1, 4, 16), failed(1, 4, 1)])
  expect(chance(place(1, 4, 64))).toBeGreaterThan(0)
  expect(chance(place(2, 4, 64))).toBeGreaterThan(0)
})
