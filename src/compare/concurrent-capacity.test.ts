import { expect, test } from 'vitest'
import { steady } from '../../test/support/compare-model.ts'
import { makeModel, makeScenario } from '../../test/support/make-measurements.ts'
import type { Constraint } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import { type Load, together } from '../domain/load.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { capacityBeside } from './concurrent-capacity.ts'

const names = ['a', 'b']
const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })
const committed: Configuration = {
  committed: true,
  instanceCount: 1,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const limit: Constraint[] = [{ name: 'perf_latency_p99', metric: 'latencyP99Ns', bound: 'max', limit: 50e6 }]
const at = (level: number) =>
  together(names.map((model, index) => ({ model, load: closed(level * (index + 1)) })))
const numbers = (ms: number, inferPerSec: number) => ({ latencyP99Ns: ms * 1e6, inferPerSec })

/** Both models at the mix 2 : 4, and in the sweep at others. */
function measured(
  ms: number,
  swept: readonly (readonly [level: number, ms: number, inferPerSec: number])[],
): ModelMeasurement[] {
  return names.map((name, index) => {
    const load = at(2)[index] ?? closed(1)
    const model = makeModel(name, [
      makeScenario(steady(4, numbers(ms, 100)), { load, configuration: committed }),
    ])
    const points = swept.map(([level, p99Ms, inferPerSec]) => ({
      configuration: committed,
      load: at(level)[index] ?? closed(1),
      metrics: numbers(index === 0 ? p99Ms : 1, inferPerSec * (index + 1)),
    }))
    return {
      ...model,
      sweep: { points, spentBeforeNs: 0, spentNs: 0, loads: 0, loadingNs: 0, measuringNs: 0 },
    }
  })
}

const capacity = (
  name: string,
  constraints: readonly Constraint[],
  demand: number | null,
  references: ModelMeasurement[] = [],
) =>
  capacityBeside(
    name,
    measured(30, [
      [2, 30, 100],
      [4, 45, 180],
      [5, 60, 200],
    ]),
    references,
    0,
    (model) => ({
      constraints: model === 'a' ? constraints : [],
      demandInferPerSec: model === 'b' ? demand : null,
    }),
  )

test('each model has its share of the mix at which all hold their limits', () => {
  expect(capacity('a', limit, null)?.rows).toEqual([
    expect.objectContaining({
      of: 'committed',
      inferPerSec: 180,
      load: at(4)[0],
      brokenAt: at(5)[0],
      servers: null,
    }),
  ])
  // The other one has no limit of its own, but must not be asked for more either.
  const [other] = capacity('b', limit, 1000)?.rows ?? []
  expect(other).toMatchObject({ inferPerSec: 360, load: at(4)[1], brokenAt: at(5)[1], servers: 3 })
})

test('beside a reference both are told at the gated loads, where a reference of every model was measured', () => {
  const rows = capacity('a', limit, null, measured(60, []))?.rows ?? []
  expect(rows.map(({ of, inferPerSec }) => [of, inferPerSec && Math.round(inferPerSec)])).toEqual([
    ['reference', null],
    ['candidate', 100],
    ['committed', 180],
  ])
  expect(capacity('a', limit, null, measured(60, []).slice(1))?.rows).toHaveLength(1)
})

test('a mix with too few requests for a p99 is not one that is too much', () => {
  const few = measured(30, []).map((model) => ({
    ...model,
    scenarios: model.scenarios.map((each) => ({ ...each, metrics: { ...each.metrics, latencyP99Ns: null } })),
  }))
  const [reference] = capacity('a', limit, null, few)?.rows ?? []
  expect(reference).toMatchObject({ of: 'reference', load: null, brokenAt: null })
  const [slow] = capacity('a', limit, null, measured(60, []))?.rows ?? []
  expect(slow).toMatchObject({ of: 'reference', load: null, brokenAt: at(2)[0] })
})

test('without a limit and a demand there is none', () => {
  expect(capacity('a', [], null)).toBeUndefined()
  expect(capacity('b', [], 10)?.rows).toHaveLength(1)
})
