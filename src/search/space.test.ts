import { expect, test } from 'vitest'
import type { SearchSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { loadLabel } from '../domain/load.ts'
import { makeSpace } from './make-space.ts'
import { firstLoad, loadsFor } from './space.ts'

const settings: SearchSettings = {
  mode: 'quick',
  onlyWith: null,
  instanceCount: { min: 1, max: 3 },
  modelBatchSize: { min: 1, max: 8 },
  concurrency: { min: 1, max: 20 },
  concurrencies: null,
  requestRates: null,
  serving: null,
  clientBatchSizes: [1],
  instanceCounts: null,
  instanceGroups: null,
  maxBatchSizes: null,
  dynamicBatching: null,
  queues: null,
  otherFields: null,
  maxMeasurements: 20,
  capacitySteps: 5,
}
const committed: Configuration = { committed: true, instanceCount: 2, maxBatchSize: 6, dynamicBatching: true }
const model = { batching: true, instances: true, loadsAllowed: true }

test('every combination is there once, the committed one with its own batch size first', () => {
  const space = makeSpace(settings, committed, model)
  expect(space.configurations[0]).toBe(committed)
  // 3 instance counts, batches 1 2 4 8 and the committed 6, dynamic batching on and off
  expect(space.configurations).toHaveLength(3 * 5 * 2)
  expect(new Set(space.configurations.map(configurationKey)).size).toBe(30)
  expect(space.configurations.filter((configuration) => configuration.committed)).toEqual([committed])
  expect(space.loads.map((load) => load.mode === 'concurrency' && load.concurrency)).toEqual([1, 2, 4, 8, 16])
})

test('every client batch is a load of its own at every concurrency, as far as a configuration takes it', () => {
  const space = makeSpace(
    { ...settings, concurrency: { min: 1, max: 4 }, clientBatchSizes: [1, 4] },
    committed,
    model,
  )
  const words = (loads: typeof space.loads) => loads.map(loadLabel)
  const single = [1, 2, 4].map((concurrency) => loadLabel({ mode: 'concurrency', concurrency }))
  const four = [1, 2, 4].map((concurrency) => loadLabel({ mode: 'concurrency', concurrency, batchSize: 4 }))
  expect(words(space.loads)).toEqual([single[0], single[1], single[2], ...four])
  expect(words(loadsFor(space, { ...committed, maxBatchSize: 2 }))).toEqual(single)
  // Twice 2 instances × batch 6 are 24 inferences; 16 are the nearest there is.
  expect(firstLoad(space, committed)).toEqual({ mode: 'concurrency', concurrency: 4, batchSize: 4 })
})

test('a model that cannot batch varies its instances only', () => {
  const single = { ...committed, maxBatchSize: 0, dynamicBatching: false }
  const { configurations } = makeSpace(settings, single, { ...model, batching: false })
  expect(configurations.map(({ instanceCount }) => instanceCount)).toEqual([2, 1, 3])
  expect(
    configurations.every(({ maxBatchSize, dynamicBatching }) => maxBatchSize === 0 && !dynamicBatching),
  ).toBe(true)
})

test('an ensemble has no instances to vary, and a server that loads nothing only its loads', () => {
  const ensemble: Configuration = {
    committed: true,
    instanceCount: null,
    maxBatchSize: 0,
    dynamicBatching: false,
  }
  expect(
    makeSpace(settings, ensemble, { batching: false, instances: false, loadsAllowed: true }).configurations,
  ).toEqual([ensemble])
  expect(makeSpace(settings, committed, { ...model, loadsAllowed: false }).configurations).toEqual([
    committed,
  ])
  expect(makeSpace({ ...settings, mode: 'off' }, committed, model).configurations).toEqual([committed])
})

test('delays and preferred sizes are varied only with dynamic batching, and never beyond max_batch_size', () => {
  const lists = {
    ...settings,
    queues: [[4], [8]].flatMap((preferredBatchSizes) =>
      [0, 100].map((maxQueueDelayMicroseconds) => ({ preferredBatchSizes, maxQueueDelayMicroseconds })),
    ),
    maxBatchSizes: [4],
  }
  const { configurations } = makeSpace(lists, committed, model)
  for (const {
    dynamicBatching,
    maxBatchSize,
    preferredBatchSizes,
    maxQueueDelayMicroseconds,
  } of configurations) {
    for (const size of preferredBatchSizes ?? []) expect(size).toBeLessThanOrEqual(maxBatchSize)
    if (!dynamicBatching)
      expect([preferredBatchSizes, maxQueueDelayMicroseconds]).toEqual([undefined, undefined])
  }
  expect(configurations.some(({ maxQueueDelayMicroseconds }) => maxQueueDelayMicroseconds === 100)).toBe(true)
})

test('where nothing is listed, committed delay and preferred sizes stay as far as they are legal', () => {
  const own = { ...committed, preferredBatchSizes: [2, 6], maxQueueDelayMicroseconds: 50 }
  const { configurations } = makeSpace(settings, own, model)
  const small = configurations.find(
    (other) => other.maxBatchSize === 4 && other.dynamicBatching && other.instanceCount === 1,
  )
  expect(small).toMatchObject({ preferredBatchSizes: [2], maxQueueDelayMicroseconds: 50 })
})

test('a batcher that is listed without anything in it is as committed, beside one that is not', () => {
  const asCommitted = { preferredBatchSizes: null, maxQueueDelayMicroseconds: null }
  const queues = [asCommitted, { ...asCommitted, maxQueueDelayMicroseconds: 500 }]
  const manual: SearchSettings = { ...settings, mode: 'manual', dynamicBatching: [true], queues }
  const delaysOf = (own: Configuration) =>
    makeSpace(manual, own, model).configurations.map((each) => [
      each.dynamicBatching,
      each.maxQueueDelayMicroseconds,
    ])
  expect(delaysOf({ ...committed, dynamicBatching: false })).toEqual([
    [false, undefined],
    [true, undefined],
    [true, 500],
  ])
  expect(delaysOf({ ...committed, dynamicBatching: true, maxQueueDelayMicroseconds: 50 })).toEqual([
    [true, 50],
    [true, 500],
  ])
})

test('manual mode leaves as committed what is not listed', () => {
  const manual: SearchSettings = { ...settings, mode: 'manual', instanceCounts: [1, 4] }
  const { configurations } = makeSpace(manual, committed, model)
  expect(configurations.map(configurationKey)).toEqual([
    'instances=2,max_batch_size=6,dynamic_batching=on',
    'instances=1,max_batch_size=6,dynamic_batching=on',
    'instances=4,max_batch_size=6,dynamic_batching=on',
  ])
})

test('a request holds no more inferences than max_batch_size', () => {
  const loads = [1, 4, 8].map((batchSize) => ({ mode: 'concurrency' as const, concurrency: 1, batchSize }))
  const space = { committed, configurations: [committed], loads }
  expect(loadsFor(space, committed)).toEqual(loads.slice(0, 2))
})

test('the first load is near twice what can run at once', () => {
  const space = makeSpace(settings, committed, model)
  expect(firstLoad(space, { ...committed, dynamicBatching: false })).toEqual({
    mode: 'concurrency',
    concurrency: 4,
  })
  expect(firstLoad(space, committed)).toEqual({ mode: 'concurrency', concurrency: 16 })
})

test('further fields are varied in all combinations, the batcher’s only where there is one', () => {
  const fields = [true, false].map((preserve_ordering) => ({
    backend: 'b',
    dynamic_batching: { preserve_ordering },
  }))
  const space = makeSpace(
    { ...settings, mode: 'manual', dynamicBatching: [true, false], otherFields: fields },
    committed,
    model,
  )
  const of = (dynamicBatching: boolean) =>
    space.configurations
      .filter((each) => !each.committed && each.dynamicBatching === dynamicBatching)
      .map((each) => each.fields)
  expect(of(true)).toEqual(fields)
  expect(of(false)).toEqual([{ backend: 'b' }])
})

test('what is listed is all that is tried of it, the committed configuration apart', () => {
  const lists: SearchSettings = {
    ...settings,
    mode: 'manual',
    instanceCounts: [1, 4],
    maxBatchSizes: [8],
    concurrencies: [3, 5],
  }
  const { configurations, loads, allLoads } = makeSpace(lists, committed, model)
  expect(configurations.map(configurationKey)).toEqual([
    'instances=2,max_batch_size=6,dynamic_batching=on',
    'instances=1,max_batch_size=8,dynamic_batching=on',
    'instances=4,max_batch_size=8,dynamic_batching=on',
  ])
  expect([loads.map(loadLabel), allLoads]).toEqual([['concurrency 3', 'concurrency 5'], true])
})

test('instance groups are tried as they are listed; one without a count is searched, or is one instance in a list', () => {
  const onCpu = { instance_group: [{ kind: 'KIND_CPU' }] }
  const both = [
    { kind: 'KIND_GPU', count: 1 },
    { kind: 'KIND_CPU', count: 2 },
  ]
  const instanceGroups = [
    { count: null, groups: onCpu.instance_group },
    { count: 3, groups: both },
    { count: 2, groups: null },
  ]
  const tried = (mode: 'quick' | 'manual') =>
    makeSpace(
      { ...settings, mode, instanceGroups, maxBatchSizes: [8], dynamicBatching: [true] },
      committed,
      model,
    )
      .configurations.slice(1)
      .map(({ instanceCount, fields }) => [instanceCount, fields])
  expect(tried('manual')).toEqual([
    [1, onCpu],
    [3, { instance_group: both }],
    [2, undefined],
  ])
  expect(tried('quick').map(([count]) => count)).toEqual([1, 2, 3, 3, 2])
})
