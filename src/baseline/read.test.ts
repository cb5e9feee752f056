import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  environment,
  makeBaseline,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import type { Environment } from '../domain/environment.ts'
import type { Baseline } from '../domain/measurements.ts'
import { type BaselineRequest, matchBaseline, openBaseline } from './find.ts'
import { readBaseline } from './read.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baseline-'))
})
afterAll(() => rm(folder, { recursive: true }))

const repetition = makeRepetition(0, { latencyP99Ns: 40e6, inferPerSec: 300 })
const good = makeBaseline([makeModel('m', [makeScenario([repetition])])])
const text = JSON.stringify(good)

async function read(content: string | Uint8Array) {
  const path = join(folder, 'baseline.json')
  await writeFile(path, content)
  return readBaseline(path, 'baseline.json')
}

test('what was written is read back', async () => {
  expect(await read(text)).toEqual({
    status: 'found',
    source: 'baseline.json',
    baseline: good,
  })
})

test('no file is absent, and that is not unreadable', async () => {
  const result = await readBaseline(join(folder, 'nothing.json'), 'nothing.json')
  expect(result).toMatchObject({ status: 'absent', source: 'nothing.json' })
})

describe('unreadable, with the reason', () => {
  const withValue = (value: string) => text.replace('"inferPerSec":300', `"inferPerSec":${value}`)
  const scenario = makeScenario([repetition])

  const broken: [string, string | Uint8Array, RegExp][] = [
    ['an empty file', '', /empty/],
    ['a file cut off', text.slice(0, text.length / 2), /truncated/],
    ['a file cut off after a closing brace', text.slice(0, text.indexOf('}') + 1), /not JSON/],
    ['something else', '<html>Not found</html>', /not JSON/],
    ['bytes that are no text', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), /UTF-8/],
    ['null', 'null', /not a baseline/],
    ['another kind of file', JSON.stringify({ ...good, kind: 'measurements' }), /a measurements file/],
    ['a version that never was', JSON.stringify({ ...good, schemaVersion: 0 }), /schema version 0/],
    ['a version between two', JSON.stringify({ ...good, schemaVersion: 1.5 }), /schema version 1.5/],
    ['a version that is no number', JSON.stringify({ ...good, schemaVersion: 'one' }), /schemaVersion/],
    ['a key that nobody knows', JSON.stringify({ ...good, extra: 1 }), /extra/],
    ['a missing key', JSON.stringify({ ...good, environment: undefined }), /environment/],
    [
      'a prototype key',
      text.replace('"failures":{}', '"failures":{"__proto__":1}'),
      /__proto__ is not allowed/,
    ],
    [
      'a constructor key',
      text.replace('"failures":{}', '"failures":{"constructor":1}'),
      /constructor is not allowed/,
    ],
    [
      'a prototype key in escapes',
      text.replace('"failures":{}', '"failures":{"\\u005f_proto__":1}'),
      /__proto__ is not allowed/,
    ],
    ['NaN', withValue('NaN'), /not JSON/],
    ['an infinite number', withValue('1e999'), /inferPerSec/],
    ['a negative number', withValue('-300'), /m at concurrency=8: inferPerSec is -300/],
    ['zero throughput', withValue('0'), /inferPerSec is 0/],
    ['text for a number', withValue('"300"'), /inferPerSec/],
    ['no model', JSON.stringify({ ...good, models: [] }), /no model/],
    [
      'a model twice',
      JSON.stringify({ ...good, models: [good.models[0], good.models[0]] }),
      /model m stands there twice/,
    ],
    ['a load twice', JSON.stringify(makeBaseline([makeModel('m', [scenario, scenario])])), /twice/],
    [
      'a sweep',
      JSON.stringify(makeBaseline([makeModel('m', [{ ...scenario, role: 'sweep' }])])),
      /not a measurement of the committed/,
    ],
    [
      'a spread below zero',
      JSON.stringify({ ...good, history: [makePoint({ spread: -1 })] }),
      /history\.0\.spread/,
    ],
    [
      'a hash of another config.pbtxt',
      JSON.stringify({ ...good, models: [{ ...good.models[0], configHash: '0'.repeat(64) }] }),
      /m: configHash is not the hash of configText/,
    ],
    [
      'history of zero',
      JSON.stringify({
        ...good,
        history: [makePoint({ value: 0 })],
      }),
      /history\.0\.value/,
    ],
  ]

  test.each(broken)('%s', async (_, content, why) => {
    const result = await read(content)
    expect(result).toMatchObject({ status: 'unreadable', source: 'baseline.json' })
    if (result.status !== 'unreadable') throw new Error('unreachable')
    expect(result.why).toMatch(why)
    expect(result.next).toMatch(/\.$/)
  })

  test('a folder', async () => {
    expect(await readBaseline(folder, 'folder')).toMatchObject({
      status: 'unreadable',
      why: 'it is not a file',
    })
  })

  test('more than 64 MiB, without reading it', async () => {
    const path = join(folder, 'large.json')
    await writeFile(path, '')
    await truncate(path, 64 * 2 ** 20 + 1)
    expect(await readBaseline(path, 'large.json')).toMatchObject({
      status: 'unreadable',
      why: /67108865 bytes/,
    })
  })

  test('many problems are counted, not all listed', async () => {
    const points = Array.from({ length: 50 }, () => ({}))
    const result = await read(JSON.stringify({ ...good, history: points }))
    expect(result).toMatchObject({ status: 'unreadable', why: /; and \d+ more$/ })
  })
})

describe('other versions of the file', () => {
  const older = readFileSync(join(import.meta.dirname, '../../test/support/baseline-v1.json'), 'utf8')

  test('version 1 is migrated: nothing is lost, and what it could not know is said to be unknown', async () => {
    const result = await read(older)
    if (result.status !== 'found') throw new Error(JSON.stringify(result))
    const { baseline } = result
    const before = JSON.parse(older) as Baseline
    expect(baseline).toMatchObject({
      commit: before.commit,
      createdAt: before.createdAt,
      runId: before.runId,
    })
    expect(baseline.models.map(({ configHash, ...model }) => model)).toEqual(before.models)
    expect(baseline.models.map(({ configHash }) => configHash)).toEqual([
      createHash('sha256').update('name: "m"\nbackend: "python"\n').digest('hex'),
      null,
    ])
    expect(baseline.history).toEqual(before.history.map((point) => ({ ...point, spread: null })))
    expect(baseline.acceptedBefore).toEqual([])
  })

  test('version 2 is migrated: what its history lost before is not known', async () => {
    const { acceptedBefore: _, ...known } = good
    const result = await read(JSON.stringify({ ...known, schemaVersion: 2 }))
    expect(result).toEqual({ status: 'found', source: 'baseline.json', baseline: good })
  })

  test('version 3 is migrated: of its settings one hash is known', async () => {
    const models = good.models.map(({ conditions: _, ...model }) => ({ ...model, settingsHash: 'a' }))
    const result = await read(JSON.stringify({ ...good, models, schemaVersion: 3 }))
    expect(result).toMatchObject({ status: 'found', baseline: { schemaVersion: 4, models } })
    expect(result).not.toHaveProperty('baseline.models.0.conditions')
  })

  test('what is wrong in an old file stays wrong', async () => {
    for (const broken of [
      { models: 'none' },
      { history: [null] },
      { history: [{ value: 1 }] },
      { extra: 1 },
    ]) {
      const result = await read(JSON.stringify({ ...(JSON.parse(older) as object), ...broken }))
      expect(result.status).toBe('unreadable')
    }
  })

  test('a newer file is incompatible, not broken: with what is known of it, and its own next step', async () => {
    const newer = { ...good, schemaVersion: 5, history: 'elsewhere', future: true }
    expect(await read(JSON.stringify(newer))).toEqual({
      status: 'incompatible',
      source: 'baseline.json',
      commit: good.commit,
      createdAt: good.createdAt,
      differences: ['schema version: it was written by a newer triton-perf-gate (5, this one knows 4)'],
      next: 'Update triton-perf-gate here to the version that measures the main branch.',
    })
    const strange = await read(JSON.stringify({ kind: 'baseline', schemaVersion: 99, commit: 7 }))
    expect(strange).toMatchObject({ status: 'incompatible', commit: null, createdAt: '' })
  })
})

const findBaseline = async (request: BaselineRequest, current: Environment) =>
  matchBaseline(await openBaseline(request), current)

describe('a baseline that was asked for', () => {
  const file = async (content: string) => {
    const path = join(folder, 'found.json')
    await writeFile(path, content)
    return { status: 'file', path, source: 'artifact 7' } as const
  }

  test('a baseline of this machine is found', async () => {
    const { status, baseline } = await findBaseline(await file(text), environment)
    expect(status).toEqual({
      status: 'found',
      source: 'artifact 7',
      file: 'artifact 7',
      commit: good.commit,
      createdAt: good.createdAt,
    })
    expect(baseline).toEqual(good)
  })

  test.each([
    ['runner class', { ...environment, host: { ...environment.host, runnerClass: 'other' } }],
    [
      'GPU',
      {
        ...environment,
        gpus: [{ uuid: 'u', name: 'T4', driverVersion: '1', memoryTotalBytes: 1, mig: null }],
      },
    ],
    ['Triton version', { ...environment, triton: { ...environment.triton, version: '2.39.0' } }],
    ['Triton mode', { ...environment, triton: { ...environment.triton, mode: 'docker' as const } }],
    ['engine: builtin ≠ builtin, version 7', { ...environment, generatorVersion: 7 }],
    ['engine: builtin ≠ perf_analyzer 2.59.0', { ...environment, engine: 'perf_analyzer 2.59.0' }],
    [
      'container engine: docker ≠ podman',
      { ...environment, triton: { ...environment.triton, containerEngine: 'podman' as const } },
    ],
  ])('one of another %s is incompatible, with the difference', async (field, current) => {
    const { status } = await findBaseline(await file(text), current)
    if (status.status !== 'incompatible') throw new Error(`status is ${status.status}`)
    expect(status.differences).toHaveLength(1)
    expect(status.differences[0]).toContain(field)
  })

  test('what became of the search is passed on', async () => {
    const absent = { status: 'absent', source: 'artifact', next: 'Measure.' } as const
    expect(await findBaseline(absent, environment)).toEqual({ status: absent, baseline: null })
    expect((await findBaseline(await file('{'), environment)).status.status).toBe('unreadable')
  })
})
