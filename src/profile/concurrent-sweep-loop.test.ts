import { expect, test } from 'vitest'
import { defaultSearch } from '../config/defaults.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import type { ConcurrentModel } from '../search/concurrent-state.ts'
import { makeSpace } from '../search/make-space.ts'
import type { SearchMetrics } from '../search/state.ts'
import { type ConcurrentRig, runConcurrentSweep } from './concurrent-sweep-loop.ts'
import { sweepBegin } from './resume.ts'
import { failedScenario } from './scenario.ts'
import type { SweepState } from './sweep-loop.ts'

const second = 1e9
/** A load takes another time for each model, so that none can stand for the other. */
const costs = { start: 3 * second, load: [2 * second, 5 * second], measure: second }
const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 4,
  dynamicBatching: true,
}
const search = {
  ...defaultSearch,
  instanceCount: { min: 1, max: 3 },
  modelBatchSize: { min: 4, max: 8 },
  concurrency: { min: 2, max: 8 },
}
const space = makeSpace(search, committed, { batching: true, instances: true, loadsAllowed: true })
const lightest: Load = { mode: 'concurrency', concurrency: 2 }
const models: ConcurrentModel[] = ['a', 'b'].map((name) => ({
  name,
  space,
  objectives: [{ name: 'perf_throughput', metric: 'inferPerSec', weight: 10 }],
  constraints: [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 40e6 }],
  weight: 0.5,
}))

/** A third instance of b does not load. */
const isLoadable = (index: number, instances: number) => index === 0 || instances < 3

/** More instances answer more. */
function metricsOf(instances: readonly number[], concurrencies: readonly number[]) {
  return instances.map((count, index): SearchMetrics => {
    const concurrency = concurrencies[index] ?? 1
    const rate = (100 - 20 * index) * Math.min(count, concurrency)
    return { inferPerSec: rate, latencyP99Ns: (concurrency / rate) * second }
  })
}

/** A sweep without a server, with a clock of its own. A server holds what was loaded last; one that is new holds nothing. */
function stage(timeNs: number) {
  return async (from: readonly SweepState[]) => {
    let nowNs = 0
    let isAlive = false
    const loaded: (string | null)[] = [null, null]
    const measured: string[] = []
    let failures = 0
    const rig: ConcurrentRig = {
      nowNs: () => nowNs,
      measure: async ({ place: { configurations, loads } }, index) => {
        const startNs = isAlive ? 0 : costs.start
        isAlive = true
        const instances = configurations.map(({ instanceCount }) => instanceCount ?? 1)
        const concurrencies = loads.map((load) => (load.mode === 'concurrency' ? load.concurrency : 1))
        const works = instances.every((count, at) => isLoadable(at, count))
        const metrics = works ? metricsOf(instances, concurrencies) : null
        const ownLoadsNs = configurations.map((configuration, at) => {
          const key = configurationKey(configuration)
          if (loaded[at] === key) return null
          loaded[at] = isLoadable(at, instances[at] ?? 1) ? key : null
          return costs.load[at] ?? 0
        })
        const isLoaded = startNs === 0 && ownLoadsNs.every((each) => each === null)
        const loadNs = isLoaded ? null : ownLoadsNs.reduce<number>((sum, each) => sum + (each ?? 0), 0)
        const measureNs = works ? costs.measure : 0
        nowNs += startNs + (loadNs ?? 0) + measureNs
        measured.push(`${configurations.map(configurationKey).join(' + ')} at ${concurrencies.join(' + ')}`)
        failures += works ? 0 : 1
        return {
          models: configurations.map((configuration, at) => {
            const load = loads[at] ?? lightest
            const point = { configuration, load, metrics: metrics?.[at] ?? null }
            return { point, scenario: failedScenario('sweep', configuration, load, `${index}`) }
          }),
          startNs,
          loadNs,
          ownLoadsNs,
          measureNs,
          underLoadNs: measureNs,
        }
      },
    }
    const snapshots: (readonly SweepState[])[] = []
    const gated = [[lightest, lightest]]
    const plan = { models, gated, maxMeasurements: 20, capacitySteps: 2, timeNs }
    const finished = await runConcurrentSweep(rig, plan, from, (states) => {
      snapshots.push(JSON.parse(JSON.stringify(states)) as SweepState[])
    })
    return { finished, snapshots, measured, failures }
  }
}

const fresh: readonly SweepState[] = models.map(() => ({ progress: sweepBegin(0), scenarios: [] }))

test.each([1000, 60])(
  'models at once within %s s, stopped after every point and gone on with, come to the same, in the same time',
  async (seconds) => {
    const run = stage(seconds * second)
    const whole = await run(fresh)
    expect(whole.measured.length).toBeGreaterThan(6)
    expect(whole.failures).toBeGreaterThan(0)
    for (const [index, saved] of whole.snapshots.entries()) {
      const resumed = await run(saved)
      const after = `stopped after ${index + 1}`
      expect(resumed.measured, after).toEqual(whole.measured.slice(index + 1))
      expect(resumed.finished.done, after).toEqual(whole.finished.done)
      expect(resumed.finished.states, after).toEqual(whole.finished.states)
    }
  },
)
