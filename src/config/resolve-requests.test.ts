import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig } from './load-config.ts'

const modelOf = (text: string, model = 'm') => readConfig(text, 'triton-perf-gate.yml', {}).settingsFor(model)

test('input data: paths are relative to the file, a model’s own source stands beside what holds for all', () => {
  const text = `
perf_analyzer_flags: { input-data: [a.json, ../b.json], shared-memory: system }
profile_models: { m: { perf_analyzer_flags: { input-data: zero } }, other: }
gate: { inputs: { other: { X: { file: x.raw }, Y: { range: [0, 30521] } } } }
`
  const config = readConfig(text, '/project/ci/c.yml', {})
  expect(config.inputModels).toEqual(['other'])
  expect(config.settingsFor('m').input).toMatchObject({ data: 'zero', files: [], sources: {} })
  expect(config.settingsFor('other').input).toMatchObject({
    data: 'files',
    files: ['/project/ci/a.json', '/project/b.json'],
    sources: { X: { kind: 'file', path: '/project/ci/x.raw' }, Y: { kind: 'range', min: 0, max: 30_521 } },
    sharedMemory: { outputBytes: 102_400 },
  })
})

test('fixed numbers of requests in perf_analyzer’s words, a model’s own before the global ones', () => {
  const text = `
profile_models:
  plain:
  special: { perf_analyzer_flags: { request-count: 500 } }
perf_analyzer_flags: { request-count: 300, warmup-request-count: 50 }
`
  expect(modelOf(text, 'plain').counts).toEqual({ requestCount: 300, warmupRequestCount: 50 })
  expect(modelOf(text, 'special').counts).toEqual({ requestCount: 500, warmupRequestCount: 50 })
  expect(modelOf('', 'plain').counts).toEqual({ requestCount: null, warmupRequestCount: null })
})

test('every way to list numbers gives the same list', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (start, step, length) => {
        const list = Array.from({ length }, (_, i) => start + i * step)
        const stop = (list.at(-1) ?? start) + step - 1
        const written = [
          JSON.stringify(list),
          `"${list.join(', ')}"`,
          `{ start: ${start}, stop: ${stop}, step: ${step} }`,
        ]
        for (const text of written) {
          expect(modelOf(`concurrency: ${text}`).loads).toEqual(
            list.map((concurrency) => ({ mode: 'concurrency', concurrency })),
          )
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('how models are asked, in perf_analyzer’s words, and with its defaults', () => {
  const requests = (flags: string) => modelOf(`perf_analyzer_flags: ${flags}`).requests
  expect(requests('{}')).toEqual({
    streaming: false,
    sequences: {
      count: 4,
      length: null,
      lengthVariation: 0.2,
      firstId: 1,
      endId: null,
      serial: false,
      serialAsked: null,
    },
    checkOutputs: 'given',
  })
  const all =
    '{streaming: true, num-of-sequences: 2, sequence-length: 9, sequence-length-variation: 0, sequence-id-range: "5:9", serial-sequences: true}'
  expect(requests(all)).toEqual({
    streaming: true,
    sequences: {
      count: 2,
      length: 9,
      lengthVariation: 0,
      firstId: 5,
      endId: 9,
      serial: true,
      serialAsked: true,
    },
    checkOutputs: 'given',
  })
  expect(requests('{start-sequence-id: 7}').sequences).toMatchObject({ firstId: 7, endId: null })
  expect(requests('{sequence-id-range: 7}').sequences).toMatchObject({ firstId: 7, endId: null })
  expect(() => requests('{sequence-id-range: "9:5"}')).toThrow()
})
