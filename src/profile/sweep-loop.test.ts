import { expect, test } from 'vitest'
import { type EnsembleScene, part, scene } from '../../test/support/ensemble-scene.ts'
import { type Family, landscape } from '../../test/support/landscapes.ts'
import type { ComposingModel } from '../domain/composing.ts'
import { configurationKey } from '../domain/configuration.ts'
import { loadKey } from '../domain/load.ts'
import type { Landscape } from '../search/replay.ts'
import { createRandom } from '../stats/random.ts'
import { sweepBegin } from './resume.ts'
import { failedScenario } from './scenario.ts'
import { runSweep, type SweepPlan, type SweepRig, type SweepState } from './sweep-loop.ts'

const second = 1e9
const costs = { start: 3 * second, load: 2 * second, measure: second }

/** A sweep on a landscape instead of a server: noisy, with a clock of its own, and killed where it is told to be. */
function stage(
  scene: Landscape,
  mode: 'quick' | 'brute',
  maxMeasurements: number,
  options: {
    readonly timeNs?: number
    readonly capacitySteps?: number
    readonly composingOf?: (...place: Parameters<EnsembleScene['play']>) => readonly ComposingModel[]
    readonly servers?: number
  } = {},
) {
  const { timeNs = 1000 * second, capacitySteps = 0, composingOf, servers = 1 } = options
  const plan: SweepPlan = {
    search: { mode, maxMeasurements, capacitySteps } as SweepPlan['search'],
    objectives: scene.objectives,
    constraints: scene.constraints,
    space: scene.space,
    timeNs,
  }
  return async (from: SweepState, killedDuring: number | null = null) => {
    let nowNs = 0
    let alive = 0
    const loaded = new Set<string>()
    const measured: string[] = []
    const rig: SweepRig = {
      nowNs: () => nowNs,
      servers,
      measure: async ({ configuration, load }, index, replaced) => {
        const key = configurationKey(configuration)
        const isLoaded = loaded.has(key)
        if (replaced !== null) loaded.delete(configurationKey(replaced))
        const isStarted = !isLoaded && loaded.size === alive
        if (isStarted) alive++
        loaded.add(key)
        expect(alive).toBeLessThanOrEqual(servers)
        const startNs = isStarted ? costs.start : 0
        const loadNs = isLoaded ? null : costs.load
        nowNs += startNs + (loadNs ?? 0) + costs.measure
        if (index === killedDuring) throw new Error('killed')
        measured.push(`${key} ${loadKey(load)}`)
        const exact = scene.measure(configuration, load)
        if (exact === null) loaded.delete(key)
        // The noise of the n-th measurement is the same however often the sweep was stopped before.
        const noise = Math.exp(0.03 * createRandom(index).normal())
        const metrics = exact && { ...exact, inferPerSec: (exact.inferPerSec ?? 0) * noise }
        const composing = composingOf?.(configuration, load)
        const scenario = {
          ...failedScenario('sweep', configuration, load, `${index}`),
          ...(composing === undefined ? {} : { composing }),
        }
        return {
          point: { configuration, load, metrics },
          scenario,
          startNs,
          loadNs,
          measureNs: costs.measure,
          underLoadNs: 0.8 * costs.measure,
        }
      },
    }
    const snapshots: SweepState[] = []
    try {
      const finished = await runSweep(rig, plan, from, (state) => {
        snapshots.push(JSON.parse(JSON.stringify(state)) as SweepState)
      })
      return { finished, snapshots, saved: snapshots.at(-1) ?? from, measured }
    } catch (error) {
      if (killedDuring === null) throw error
      return { finished: null, snapshots, saved: snapshots.at(-1) ?? from, measured }
    }
  }
}

const fresh: SweepState = { progress: sweepBegin(0), scenarios: [] }

/** A corner of a landscape, so that a search of it is quick. */
function corner(family: Family, seed: number): Landscape {
  const scene = landscape(family, seed)
  const { committed, configurations, loads } = scene.space
  const near = configurations.filter(
    (each) =>
      each.committed ||
      ((each.instanceCount ?? 1) <= 3 &&
        Math.abs(Math.log2(each.maxBatchSize / committed.maxBatchSize)) <= 1),
  )
  const middle = loads[2] && scene.measure(committed, loads[2])?.latencyP99Ns
  if (middle == null) throw new Error(`${scene.name} has no middle load`)
  return {
    ...scene,
    // Between two loads, so that there is something to bisect.
    constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 1.3 * middle }],
    space: { committed, configurations: near, loads: loads.slice(0, 5), divisible: true },
  }
}

let capacityPoints = 0

test.each([
  ['quick', 'batching', 20, 1000],
  ['quick', 'loadFailure', 20, 1000],
  ['quick', 'batching', 20, 35],
  ['brute', 'batching', 30, 1000],
] as const)(
  '%s on %s, killed at every point and gone on with, comes to the same',
  async (mode, family, most, seconds) => {
    const run = stage(corner(family, 7), mode, most, { timeNs: seconds * second, capacitySteps: 2 })
    const whole = await run(fresh)
    const { length } = whole.measured
    expect(length).toBeGreaterThan(6)
    const bisected = whole.finished?.progress.points.filter(({ purpose }) => purpose === 'capacity') ?? []
    capacityPoints += bisected.length
    for (let k = 0; k < length; k++) {
      const saved = k === 0 ? fresh : whole.snapshots[k - 1]
      if (saved === undefined) throw new Error(`nothing was saved after measurement ${k}`)
      expect(saved.progress.points).toHaveLength(k)
      const resumed = await run(saved)
      expect(resumed.measured, `killed during ${k}`).toEqual(whole.measured.slice(k))
      expect(resumed.finished?.done, `killed during ${k}`).toEqual(whole.finished?.done)
      expect(resumed.finished?.scenarios).toEqual(whole.finished?.scenarios)
    }
  },
)

test('an ensemble, killed at every point and gone on with, comes to the same', async () => {
  const { space, play } = scene([part('a', 3), part('b', 12, { fixed: 0.8 }), part('c', 6)])
  const landscape: Landscape = {
    ...corner('batching', 3),
    constraints: [],
    space,
    measure: (configuration, load) => play(configuration, load).metrics,
  }
  const run = stage(landscape, 'quick', 12, { composingOf: (...place) => play(...place).composing })
  const whole = await run(fresh)
  expect(whole.finished?.done.answer?.configuration.others).toHaveProperty('b')
  // What the models did is known to the search: it goes there at once, not step by step.
  expect(whole.measured.slice(0, 4).join(), whole.measured.join('\n')).toMatch(/b\(instances=[34]/)
  for (const k of [1, 4, 7, whole.measured.length - 1]) {
    const resumed = await run(whole.snapshots[k - 1] ?? fresh)
    expect(resumed.measured, `killed during ${k}`).toEqual(whole.measured.slice(k))
    expect(resumed.finished?.done).toEqual(whole.finished?.done)
  }
})

test('among them were measurements for a capacity', () => {
  expect(capacityPoints).toBeGreaterThan(1)
})

test('killed again and again, one measurement each, it comes to the same', async () => {
  const run = stage(corner('batching', 3), 'quick', 20)
  const whole = await run(fresh)
  let state = fresh
  for (let k = 0; k < whole.measured.length; k++) state = (await run(state, k + 1)).saved
  const { measured, finished } = await run(state)
  expect(measured).toEqual([])
  expect(finished?.done).toEqual(whole.finished?.done)
})

test.each([1, 3, 8])('with %i servers: what the time went into adds up, resumed or not', async (servers) => {
  const run = stage(corner('batching', 3), 'quick', 14, { servers })
  const whole = await run(fresh)
  const { progress } = whole.finished ?? fresh
  const { spentNs, startingNs = 0, loadingNs, measuringNs, underLoadNs = 0 } = progress
  const configurations = new Set(progress.points.map(({ configuration }) => configurationKey(configuration)))
  expect(startingNs).toBe(Math.min(servers, configurations.size) * costs.start)
  expect(loadingNs).toBe(progress.loads * costs.load)
  expect(measuringNs).toBe(progress.points.length * costs.measure)
  expect(underLoadNs).toBeCloseTo(0.8 * measuringNs)
  expect(spentNs).toBe(startingNs + loadingNs + measuringNs)
  // Each configuration is loaded once where all of them can stay loaded.
  if (servers === 8) expect(progress.loads).toBe(configurations.size)
  for (const half of whole.snapshots.slice(0, -1)) {
    // Servers were started again for the rest, which is not the sweep's time.
    expect((await run(half)).finished?.progress).toEqual(progress)
  }
})

test('a larger budget goes on with a sweep that was done', async () => {
  const scene = corner('batching', 3)
  const short = await stage(scene, 'brute', 5)(fresh)
  const longer = await stage(scene, 'brute', 8)(short.saved)
  expect(longer.measured).toHaveLength(3)
  expect([...short.measured, ...longer.measured]).toEqual((await stage(scene, 'brute', 8)(fresh)).measured)
})

test('what is no longer to be searched is left out', async () => {
  const scene = corner('batching', 3)
  const { saved } = await stage(scene, 'brute', 5)(fresh)
  const space = { ...scene.space, loads: scene.space.loads.slice(0, 2) }
  const { finished } = await stage({ ...scene, space }, 'brute', 6)(saved)
  const allowed = new Set(space.loads.map(loadKey))
  expect(finished?.progress.points.every(({ load }) => allowed.has(loadKey(load)))).toBe(true)
  expect(finished?.scenarios).toHaveLength(finished?.progress.points.length ?? -1)
})
