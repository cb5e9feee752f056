import { expect, test } from 'vitest'
import { base, steady } from '../test/support/compare-model.ts'
import {
  concurrency8,
  environment,
  makeBaseline,
  makeModel,
  makePoint,
  makeRepositoryOf,
  makeScenario,
} from '../test/support/make-measurements.ts'
import { settingsOf } from './config/conditions.ts'
import { readConfig } from './config/load-config.ts'
import type { Environment } from './domain/environment.ts'
import { loadKey, together } from './domain/load.ts'
import type { ModelMeasurement } from './domain/scenario.ts'
import { closureHash, type ModelRepository } from './repository/repository.ts'
import { screenBy } from './screening.ts'

const reference = makeRepositoryOf('a')
const text = 'concurrency: 8\n'
const history = Array.from({ length: 40 }, (_, index) =>
  (['latencyP99Ns', 'inferPerSec'] as const).map((metric) =>
    makePoint({ commit: `c${index}`, metric, value: metric === 'inferPerSec' ? 300 : 40e6 }),
  ),
).flat()

interface Here {
  readonly config?: string
  readonly of?: ModelRepository | null
  readonly environment?: Environment
}

function isTried(
  change: Partial<ModelMeasurement> = {},
  { config = text, of = reference, environment: here = environment }: Here = {},
  there: Environment = environment,
): boolean {
  const measured = makeModel('m', [makeScenario(steady(4, base))], {
    contentHash: closureHash(reference, 'm'),
    ...settingsOf(readConfig(text, 'gate.yml', {}), 'm'),
    ...change,
  })
  const stored = makeBaseline([measured], { history, environment: there })
  const baseline = { status: 'found', source: 'b', baseline: stored } as const
  const screen = screenBy({ config: readConfig(config, 'gate.yml', {}), baseline }, of)
  const { loads } = readConfig(config, 'gate.yml', {}).settingsFor('m')
  return screen.isPromising({ name: 'm', loads, looks: [4, 8, 14] } as never, here)
}

test('a candidate is measured alone first where the newest run measured its very reference', () => {
  expect(isTried()).toBe(true)
})

test('not by a baseline of other files, which the main branch may have improved since', () => {
  expect(isTried({ contentHash: closureHash(makeRepositoryOf('b'), 'm') })).toBe(false)
  expect(isTried({ contentHash: null })).toBe(false)
})

test('not by one of other settings: easier requests would hide a model that got worse', () => {
  const shorter = `${text}perf_analyzer_flags: {sequence-length: 2}\n`
  expect(isTried({}, { config: shorter })).toBe(false)
  expect(isTried({}, { config: `${text}triton_server_flags: {min-supported-compute-capability: 7}\n` })).toBe(
    false,
  )
})

test('not on another system or with other mounts: what is faster there would hide a model that got slower', () => {
  const host = (change: Partial<Environment['host']>) => ({
    environment: { ...environment, host: { ...environment.host, ...change } },
  })
  expect(isTried({}, host({}))).toBe(true)
  expect(isTried({}, host({ os: 'Linux 7' }))).toBe(false)
  expect(isTried({}, host({ cpuGovernor: 'performance' }))).toBe(false)
  expect(isTried({}, host({ cpuLimit: 8 }))).toBe(false)
  expect(isTried({}, { config: `${text}triton_docker_mounts: ["/weights:/weights:ro"]\n` })).toBe(false)
})

test('not where it was sent other data; what other models are sent is no matter', () => {
  const there = { ...environment, inputData: { m: 'a', n: 'b' } }
  const here = (inputData: Record<string, string>) => ({ environment: { ...environment, inputData } })
  expect(isTried({}, here({ m: 'a', n: 'c' }), there)).toBe(true)
  expect(isTried({}, here({ m: 'b', n: 'b' }), there)).toBe(false)
})

test('not where what is under load beside it was sent other data, or had other settings', () => {
  const [load] = together(['m', 'n'].map((model) => ({ model, load: concurrency8 })))
  if (load === undefined) throw new Error('no load')
  const isTriedBeside = (config: string, sent: string) => {
    const own = (model: string) => ({
      ...settingsOf(readConfig(text, 'gate.yml', {}), model),
      contentHash: closureHash(reference, 'm'),
    })
    const models = [
      makeModel('m', [makeScenario(steady(4, base), { load })], own('m')),
      makeModel('n', [makeScenario(steady(4, base))], own('n')),
    ]
    const at = loadKey(load)
    const stored = makeBaseline(models, {
      history: history.map((point) => ({ ...point, load: at })),
      environment: { ...environment, inputData: { m: 'a', n: 'b' } },
    })
    const baseline = { status: 'found', source: 'b', baseline: stored } as const
    const screen = screenBy({ config: readConfig(config, 'gate.yml', {}), baseline }, reference)
    const here = { ...environment, inputData: { m: 'a', n: sent } }
    return screen.isPromising({ name: 'm', loads: [load], looks: [4, 8, 14] } as never, here)
  }
  expect(isTriedBeside(text, 'b')).toBe(true)
  expect(isTriedBeside(text, 'c')).toBe(false)
  const ofN = `${text}profile_models: [m, {n: {perf_analyzer_flags: {sequence-length: 2}}}]\n`
  expect(isTriedBeside(ofN, 'b')).toBe(false)
})

test('not without a reference, nor where it is off', () => {
  expect(isTried({}, { of: null })).toBe(false)
  expect(isTried({}, { config: `${text}gate: {screening: "off"}\n` })).toBe(false)
})
