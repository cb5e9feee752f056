import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  concurrency8,
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../test/support/make-measurements.ts'
import type { Configuration } from './domain/configuration.ts'
import type { MetricValue, Scenario } from './domain/scenario.ts'
import type { SearchSummary } from './domain/sweep.ts'
import { judge } from './judge.ts'
import { configurationOf } from './model-config/configuration.ts'
import { parseModelConfig } from './model-config/parse.ts'

const configuration = { committed: false, instanceCount: 4, maxBatchSize: 8, dynamicBatching: true }
const value = (number: number | null, n: number, unit: MetricValue['unit']): MetricValue => ({
  value: number,
  interval: number === null ? null : [number * 0.9, number * 1.1],
  n,
  unit,
  ...(number === null ? { reason: 'too few' } : {}),
})
const sweep = (inferPerSec: number, latencyP99Ns: number | null, change: Partial<Scenario> = {}) =>
  makeScenario([makeRepetition(0, { latencyP99Ns: latencyP99Ns ?? 1, inferPerSec })], {
    role: 'sweep',
    configuration,
    metrics: {
      inferPerSec: value(inferPerSec, 600, 'infer/s'),
      latencyP99Ns: value(latencyP99Ns, 600, 'ns'),
    },
    ...change,
  })

function bestOf(scenarios: readonly Scenario[], metrics: NonNullable<SearchSummary['answer']>['metrics']) {
  const answer = {
    configuration,
    load: concurrency8,
    metrics,
    measurements: scenarios.length,
    gain: 0.2,
    tie: false,
    meetsConstraints: true,
    explanation: '20 % better',
  }
  const search: SearchSummary = {
    mode: 'quick',
    measurements: 9,
    stopped: 'done',
    wallNs: 1,
    underLoadNs: 1,
    notes: [],
    answer,
  }
  const result = judge({
    measurements: makeMeasurements([makeModel('m', scenarios, { search })]),
    baseline: null,
    baselineStatus: { status: 'notRequested' },
    config: makeConfig(),
    mode: 'gate',
  })
  return result.models[0]?.best?.metrics
}

test('the best configuration shows the means that its gain rests on, without the interval of one measurement', () => {
  const failed = sweep(1, 1, { status: 'failed' })
  const elsewhere = sweep(900, 1, { configuration: { ...configuration, instanceCount: 5 } })
  const best = bestOf([sweep(400, 30e6), failed, elsewhere, sweep(380, 40e6)], {
    inferPerSec: 390,
    latencyP99Ns: 35e6,
  })
  expect(best).toEqual({
    inferPerSec: { value: 390, interval: null, n: 1200, unit: 'infer/s' },
    latencyP99Ns: { value: 35e6, interval: null, n: 1200, unit: 'ns' },
  })
})

test('one measurement keeps its interval; a percentile that one lacks requests for is not shown', () => {
  expect(bestOf([sweep(400, 30e6)], { inferPerSec: 400, latencyP99Ns: 30e6 })).toMatchObject({
    inferPerSec: value(400, 600, 'infer/s'),
  })
  expect(
    bestOf([sweep(400, null), sweep(380, 40e6)], { inferPerSec: 390, latencyP99Ns: 35e6 }),
  ).toMatchObject({
    latencyP99Ns: { value: null, n: 1200, reason: 'too few' },
  })
})

describe('the patch of several models', () => {
  const text = (name: string) =>
    `# ${name}\nname: "${name}"\nbackend: "python"\nmax_batch_size: 8\ninstance_group [ { count: 1 } ]  # one\n`
  const ensemble = 'name: "m"\nplatform: "ensemble"\nmax_batch_size: 8\nensemble_scheduling { }\n'
  const fields = { instanceCount: 3, maxBatchSize: 4, dynamicBatching: true }
  const best: Configuration = {
    committed: false,
    instanceCount: null,
    maxBatchSize: 4,
    dynamicBatching: false,
    others: { a: fields, b: { ...fields, instanceCount: 1 } },
  }
  const patchWith = (otherConfigTexts: Record<string, string>) => {
    const answer = {
      configuration: best,
      load: concurrency8,
      metrics: {},
      measurements: 1,
      gain: 0.2,
      tie: false,
      meetsConstraints: true,
      explanation: '',
    }
    const search = {
      mode: 'quick',
      measurements: 1,
      stopped: '',
      wallNs: 1,
      underLoadNs: 1,
      notes: [],
      answer,
    }
    const model = makeModel('m', [], {
      search: search as SearchSummary,
      configText: ensemble,
      otherConfigTexts,
    })
    const measurements = makeMeasurements([model], null, { repositoryPrefix: 'models' })
    const status = { baseline: null, baselineStatus: { status: 'notRequested' } } as const
    return judge({ measurements, ...status, config: makeConfig(), mode: 'gate' }).models[0]?.best?.patch
  }

  test('changes all their files in one go', () => {
    const root = mkdtempSync(join(tmpdir(), 'tpg-joint-patch-'))
    const files = { a: text('a'), b: text('b'), m: ensemble }
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(root, 'models', name), { recursive: true })
      writeFileSync(join(root, 'models', name, 'config.pbtxt'), content)
    }
    execFileSync('git', ['init', '-q', root])
    execFileSync('git', ['apply', '-'], {
      cwd: root,
      input: patchWith({ a: files.a, b: files.b, c: text('c') }) ?? '',
    })
    const read = (name: string) => {
      const file = readFileSync(join(root, 'models', name, 'config.pbtxt'), 'utf8')
      return { file, configuration: configurationOf(parseModelConfig(file, name), false) }
    }
    expect(read('a').configuration).toMatchObject(fields)
    expect(read('b').configuration).toMatchObject({ ...fields, instanceCount: 1 })
    expect(read('m').configuration).toMatchObject({ instanceCount: null, maxBatchSize: 4 })
    expect(read('b').file).toContain('# one')
    rmSync(root, { recursive: true })
  })

  test('is none where one of the files is not known', () => {
    expect(patchWith({ a: text('a') })).toBeNull()
  })
})

describe('the trend', () => {
  const repetitions = Array.from({ length: 4 }, (_, index) =>
    makeRepetition(index, { latencyP99Ns: 44e6 + index * 1e4, inferPerSec: 300 + index }),
  )
  const measurements = makeMeasurements([makeModel('m', [makeScenario(repetitions)])], null, {
    createdAt: '2026-03-01T00:00:00Z',
  })
  const runs = (count: number, stepAt: number) =>
    Array.from({ length: count }, (_, index) =>
      makePoint({
        commit: `c${index}`,
        value: (index < stepAt ? 40e6 : 44e6) * (1 + ((index * 7) % 5) / 500),
      }),
    )
  const found = { status: 'found', source: 'artifact', commit: 'c19', createdAt: '' } as const
  const model = makeModel('m', [makeScenario(repetitions)])
  const baseline = makeBaseline([model], { commit: 'c19', history: runs(20, 10) })
  const config = makeConfig()

  test('is that of the baseline, and on the main branch this run is its newest point', () => {
    const input = { measurements, baseline, baselineStatus: found, config }
    const [gate, main] = (['gate', 'baseline'] as const).map((mode) => judge({ ...input, mode }).trend)
    expect(gate).toMatchObject({ since: null, until: { commit: 'c19' }, crept: [{ points: { length: 20 } }] })
    expect(main).toMatchObject({ until: { commit: 'c0ffee1' }, crept: [{ points: { length: 21 } }] })
  })

  test('of a release is what came after the release before', () => {
    const recent = makeBaseline([model], { history: runs(60, 40) })
    const release = { measurements, baseline, baselineStatus: found, config, mode: 'gate' } as const
    expect(judge({ ...release, recent }).trend).toMatchObject({ since: 'c19', crept: [{ shifts: [{}] }] })
    const steady = makeBaseline([model], { history: runs(60, 10) })
    expect(judge({ ...release, recent: steady }).trend).toMatchObject({ since: 'c19', crept: [] })
  })

  test('of a release that was not measured itself is what came after the run before it, and nothing older', () => {
    const beside = makeMeasurements([model], [model])
    const release = { measurements: beside, baseline, baselineStatus: found, config, mode: 'gate' } as const
    const older = makeBaseline([model], { history: runs(60, 10) })
    expect(judge({ ...release, recent: older }).trend).toMatchObject({ since: 'c19', crept: [] })
    const younger = makeBaseline([model], { history: runs(60, 40) })
    expect(judge({ ...release, recent: younger }).trend).toMatchObject({ since: 'c19', crept: [{}] })
    const lost = { ...release, baseline: null, baselineStatus: { status: 'notRequested' } } as const
    expect(judge({ ...lost, recent: older }).trend).toMatchObject({ since: null })
  })

  test('is left out without a history, or one of another machine', () => {
    const gate = { measurements, config, mode: 'gate', baseline: null } as const
    expect(judge({ ...gate, baselineStatus: { status: 'notRequested' } })).not.toHaveProperty('trend')
    const incompatible = { ...found, status: 'incompatible' as const, differences: ['GPU'], next: '' }
    expect(judge({ ...gate, baseline, baselineStatus: incompatible })).not.toHaveProperty('trend')
  })
})
