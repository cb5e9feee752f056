import { describe, expect, test } from 'vitest'
import {
  environment,
  makeAccepted,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import {
  type Baseline,
  baselineSchema,
  type HistoryPoint,
  type Measurements,
  maxBaselineBytes,
} from '../domain/measurements.ts'
import type { Repetition } from '../domain/scenario.ts'
import { withAcceptedSteps } from './accepted-steps.ts'
import { withHistoriesOf } from './history.ts'
import { implausibilities } from './plausible.ts'
import { baselineFrom } from './write.ts'

const repetitions = [40e6, 10e6].map((latencyP99Ns, index) =>
  makeRepetition(index, {
    latencyP99Ns,
    inferPerSec: 300,
    gpuMemoryBytes: (index + 1) * 1e9,
    blocksP99Ns: [1e6],
  }),
)
const gate = makeScenario(repetitions)
const own = makeModel('m', [gate])
const measurements = makeMeasurements([own])

function written(from: Measurements, previous: Baseline | null = null): Baseline {
  const result = baselineFrom(from, previous, 'run 5', 0.001)
  if (result.status === 'refused') throw new Error(result.why)
  expect(implausibilities(baselineSchema.parse(result.baseline))).toEqual([])
  return result.baseline
}

test('a baseline holds the gated scenarios with their valid repetitions, and who measured them', () => {
  const sweep = makeScenario(repetitions, {
    role: 'sweep',
    configuration: { ...gate.configuration, committed: false },
  })
  const voided: Repetition = {
    ...(repetitions[0] as Repetition),
    index: 2,
    status: 'void',
    voidReasons: ['throttled'],
  }
  const scenario = makeScenario([...repetitions, voided])
  const baseline = written(makeMeasurements([makeModel('m', [scenario, sweep])]))
  expect(baseline).toMatchObject({ kind: 'baseline', runId: 'run 5', commit: 'c0ffee1', environment })
  expect(baseline.models[0]?.scenarios).toHaveLength(1)
  expect(baseline.models[0]?.scenarios[0]?.repetitions.map(({ index, blocks }) => [index, blocks])).toEqual([
    [0, []],
    [1, []],
  ])
})

test('what the sweep found best stays with the baseline, and the hash of the configuration it was measured in', () => {
  const answer = {
    configuration: { ...gate.configuration, committed: false, instanceCount: 2 },
    load: gate.load,
    metrics: { latencyP99Ns: 20e6, inferPerSec: 500 },
    measurements: 2,
    gain: 0.6,
    tie: false,
    meetsConstraints: true,
    explanation: 'twice the instances',
  }
  const search = {
    mode: 'quick',
    measurements: 9,
    stopped: '',
    wallNs: 1,
    underLoadNs: 1,
    notes: [],
    answer,
  } as const
  const model = makeModel('m', [gate], {
    search: { ...search, notes: [] },
    configText: 'name: "m"',
    contentHash: 'ab',
  })
  const [stored] = written(makeMeasurements([model])).models
  expect(stored).toMatchObject({ contentHash: 'ab', search: { answer } })
  expect(stored?.configHash).toMatch(/^[0-9a-f]{64}$/)
})

test('a point knows how far its repetitions lay apart; one repetition says nothing of that', () => {
  const spreads = (from: readonly Repetition[]) =>
    written(makeMeasurements([makeModel('m', [makeScenario(from)])])).history.map(({ metric, spread }) => [
      metric,
      spread,
    ])
  expect(spreads(repetitions)).toEqual([
    ['latencyP99Ns', expect.closeTo(Math.log(4) / Math.SQRT2, 12)],
    ['inferPerSec', 0],
    ['gpuMemoryBytes', null],
  ])
  expect(spreads(repetitions.slice(0, 1)).map(([, spread]) => spread)).toEqual([null, null, null])
})

test("this commit's points: geometric means of p99 and throughput, the highest memory", () => {
  const points = written(measurements).history.map(({ metric, value }) => [metric, Math.round(value)])
  expect(points).toEqual([
    ['latencyP99Ns', 20e6],
    ['inferPerSec', 300],
    ['gpuMemoryBytes', 2e9],
  ])
})

test('without p99 everywhere the next percentile goes into the history', () => {
  const [first, second] = repetitions as [Repetition, Repetition]
  const noP99 = { ...first, metrics: { ...first.metrics, latencyP99Ns: null } }
  const baseline = written(makeMeasurements([makeModel('m', [makeScenario([noP99, second])])]))
  expect(baseline.history.map(({ metric }) => metric)).toContain('latencyP95Ns')
  expect(baseline.history.map(({ metric }) => metric)).not.toContain('latencyP99Ns')
})

describe('history', () => {
  const point = (commit: string | null, value: number) => makePoint({ commit, value })
  const previous = (history: HistoryPoint[], change: Partial<Baseline> = {}) =>
    makeBaseline([own], { history, ...change })
  const p99s = (baseline: Baseline) =>
    baseline.history
      .filter(({ metric }) => metric === 'latencyP99Ns')
      .map(({ commit, value }) => [commit, Math.round(value)])

  test('is carried forward, the new point last', () => {
    const baseline = written(measurements, previous([point('a', 1), point('b', 2)]))
    expect(p99s(baseline)).toEqual([
      ['a', 1],
      ['b', 2],
      ['c0ffee1', 20e6],
    ])
  })

  test('a commit measured again replaces its own point; unknown commits are different ones', () => {
    const baseline = written(measurements, previous([point('c0ffee1', 1), point(null, 2), point('b', 3)]))
    expect(p99s(baseline)).toEqual([
      [null, 2],
      ['b', 3],
      ['c0ffee1', 20e6],
    ])
    const unnamed = written({ ...measurements, commit: null }, previous([point(null, 2)]))
    expect(p99s(unnamed)).toEqual([
      [null, 2],
      [null, 20e6],
    ])
  })

  test('is bounded, the oldest going first', () => {
    const many = Array.from({ length: 300 }, (_, index) => point(`c${index}`, index + 1))
    const values = p99s(written(measurements, previous(many)))
    expect(values).toHaveLength(200)
    expect(values[0]).toEqual(['c101', 102])
    expect(values.at(-1)).toEqual(['c0ffee1', 20e6])
  })

  test('never makes the file larger than may be read again, nor the models', () => {
    const large = Array.from({ length: 8 }, (_, index) =>
      point(String(index).repeat(10 * 2 ** 20), index + 1),
    )
    const baseline = written(measurements, previous(large))
    expect(p99s(baseline).map(([, value]) => value)).toEqual([4, 5, 6, 7, 8, 20e6])
    expect(JSON.stringify(baseline).length).toBeLessThan(maxBaselineBytes)
    const configText = ' '.repeat(maxBaselineBytes)
    expect(
      baselineFrom(makeMeasurements([makeModel('m', [gate], { configText })]), null, null, 0.001),
    ).toEqual({
      status: 'refused',
      why: 'its 1 models alone need more than the 67108864 bytes that are allowed',
    })
  })

  test('starts anew on another machine, whose spread it would not be', () => {
    const elsewhere = { ...environment, host: { ...environment.host, runnerClass: 'other' } }
    expect(p99s(written(measurements, previous([point('a', 1)], { environment: elsewhere })))).toEqual([
      ['c0ffee1', 20e6],
    ])
  })

  test('of a model starts anew where its settings change what a number means; of others it goes on', () => {
    const changed = makeModel('m', [gate], { conditions: { streaming: 'true' } })
    const n = makeModel('n', [gate])
    expect(series(makeMeasurements([changed, n]), makeBaseline([own, n]))).toEqual({
      carried: ['n'],
      joined: ['n'],
    })
  })

  test('of a model starts anew where other input data are sent to it; of others it goes on', () => {
    const sent = (m: string) => ({ environment: { ...environment, inputData: { m, n: 'same' } } })
    const both = [own, makeModel('n', [gate])]
    const [then, now] = [sent('then'), sent('now')]
    expect(series(makeMeasurements(both, null, now), makeBaseline(both, then))).toEqual({
      carried: ['n'],
      joined: ['n'],
    })
  })

  // Of what differs nobody knows whether it matters.
  test.each<[string | undefined, string[]]>([
    ['now', ['m']],
    ['then', []],
    [undefined, []],
  ])('after an older version, whose one hash of all settings was %s', (settingsHash, models) => {
    const older = makeModel('m', [gate], { settingsHash, conditions: undefined })
    const current = makeMeasurements([makeModel('m', [gate], { settingsHash: 'now' })])
    expect(series(current, makeBaseline([older]))).toEqual({ carried: models, joined: models })
  })

  test('starts anew where a run in between did not measure the model: with what it was measured before is not known', () => {
    expect(series(measurements, makeBaseline([makeModel('n', [gate])]))).toEqual({ carried: [], joined: [] })
  })

  /** The models whose point of `before` the next baseline carries on, and one that was measured beside it joins. */
  function series(current: Measurements, before: Baseline) {
    const history = ['m', 'n'].map((model) => makePoint({ commit: 'a', model }))
    const names = (baseline: Baseline) =>
      baseline.history.flatMap(({ commit, model }) =>
        commit === 'a' && current.models.some(({ name }) => name === model) ? [model] : [],
      )
    const next = makeBaseline(current.models, { environment: current.environment })
    return {
      carried: names(written(current, { ...before, history })),
      joined: names(withHistoriesOf(next, [{ ...before, history }])),
    }
  }
})

describe('accepted steps outlive the points that show them', () => {
  const step = {
    model: 'm',
    load: 'concurrency=8',
    metric: 'latencyP99Ns',
    commit: 'a',
    reason: 'more layers',
  }
  const marked = makePoint({ commit: 'a', accepted: 'more layers' })
  const elsewhere = { ...environment, host: { ...environment.host, runnerClass: 'other' } }

  test('of another class of machines, and what that one had taken over itself', () => {
    const earlier = { ...step, reason: 'a check' }
    const previous = makeBaseline([], {
      environment: elsewhere,
      history: [marked],
      acceptedBefore: [earlier, step],
    })
    const baseline = written(measurements, previous)
    expect(baseline.history.map(({ commit }) => commit)).not.toContain('a')
    expect(baseline.acceptedBefore).toEqual([earlier, step])
  })

  test('of a model whose settings changed', () => {
    const changed = makeMeasurements([makeModel('m', [gate], { conditions: { streaming: 'true' } })])
    const previous = makeBaseline([own], { history: [marked] })
    expect(written(changed, previous).acceptedBefore).toEqual([step])
  })

  test('beyond the bound of a history', () => {
    const many = Array.from({ length: 200 }, (_, index) => makePoint({ commit: `c${index}` }))
    const baseline = written(measurements, makeBaseline([own], { history: [marked, ...many] }))
    expect(baseline.acceptedBefore).toEqual([step])
  })

  test('not while a point shows them, and not of a commit that is measured again: it is judged again', () => {
    const previous = (history: HistoryPoint[]) => makeBaseline([own], { history })
    expect(written(measurements, previous([marked])).acceptedBefore).toEqual([])
    const again = { ...marked, commit: measurements.commit }
    expect(written(measurements, previous([again])).acceptedBefore).toEqual([])
  })

  test('of overlapping runs, also on other machines', () => {
    const newest = makeBaseline([own], { history: [makePoint({ commit: 'b' })] })
    const other = makeBaseline([own], { environment: elsewhere, history: [marked] })
    expect(withHistoriesOf(newest, [other])).toMatchObject({
      history: newest.history,
      acceptedBefore: [step],
    })
    const beside = makeBaseline([own], { history: [marked] })
    expect(withHistoriesOf(newest, [beside]).acceptedBefore).toEqual([])
  })

  test('for as long as their entry stands; it marks no second step meanwhile', () => {
    const level = Array.from({ length: 5 }, (_, index) => makePoint({ commit: `c${index}`, value: 10e6 }))
    const from = written(measurements, makeBaseline([own], { history: level, acceptedBefore: [step] }))
    const taken = (reason: string) => {
      const config = makeConfig({ gate: { accepted: [makeAccepted({ upTo: 2, reason })] } })
      const { history, acceptedBefore } = withAcceptedSteps(from, measurements, config)
      return { marks: history.flatMap(({ accepted }) => accepted ?? []), acceptedBefore }
    }
    expect(taken('more layers')).toEqual({ marks: [], acceptedBefore: [step] })
    expect(taken('another')).toEqual({ marks: ['another'], acceptedBefore: [] })
    expect(withAcceptedSteps(from, measurements, makeConfig()).acceptedBefore).toEqual([])
  })
})

describe('what went wrong never becomes a baseline', () => {
  const saturated = repetitions.map((each) => ({ ...each, client: { ...each.client, saturated: true } }))
  const voided = repetitions.map((each) => ({ ...each, status: 'void' as const, voidReasons: ['throttled'] }))
  const failing = repetitions.map((each, index) =>
    index === 0
      ? each
      : {
          ...each,
          requests: 100,
          failures: { UNAVAILABLE: 900 },
          status: 'void' as const,
          voidReasons: ['failed_requests'],
        },
  )
  const noThroughput = repetitions.map((each) => ({
    ...each,
    metrics: { latencyP99Ns: 1e6, gpuMemoryBytes: 1e9 },
  }))
  const failed = makeModel('f', [], { status: 'failed', error: { message: 'model.py raised' } })
  test.each<[RegExp, Measurements]>([
    [/stopped/, { ...measurements, complete: false }],
    [/no model/, makeMeasurements([])],
    [/f failed: model\.py raised/, makeMeasurements([makeModel('m', [gate]), failed])],
    [
      /all requests failed/,
      makeMeasurements([
        makeModel('m', [makeScenario([], { status: 'failed', error: 'all requests failed' })]),
      ]),
    ],
    [
      /no measurement of its committed/,
      makeMeasurements([makeModel('m', [makeScenario(repetitions, { role: 'sweep' })])]),
    ],
    [/saturated/, makeMeasurements([makeModel('m', [makeScenario(saturated)])])],
    [
      /900 of 1000 requests failed in repetition 2/,
      makeMeasurements([makeModel('m', [makeScenario(failing)])]),
    ],
    [/no valid repetition/, makeMeasurements([makeModel('m', [makeScenario(voided)])])],
    [
      /no latency percentile and throughput/,
      makeMeasurements([makeModel('m', [makeScenario(noThroughput)])]),
    ],
  ])('%s', (why, from) => {
    const result = baselineFrom(from, makeBaseline([]), null, 0.001)
    expect(result).toMatchObject({ status: 'refused', why })
  })
})

test('how many requests may fail is the configuration to say', () => {
  const failing = repetitions.map((each) => ({ ...each, failures: { UNAVAILABLE: 5 } }))
  const from = makeMeasurements([makeModel('m', [makeScenario(failing)])])
  expect(baselineFrom(from, null, null, 0.01).status).toBe('written')
  expect(baselineFrom(from, null, null, 0.001).status).toBe('refused')
})
