import { expect, test } from 'vitest'
import { readConfig } from './load-config.ts'

const read = (text: string) => readConfig(text, 'triton-perf-gate.yml', {})

test('flags for perf_analyzer, a model’s own before the global ones, and those that the gate’s own load follows too', () => {
  const text = `
perf_analyzer_flags: { percentile: 95, streaming: true, sequence-id-range: "5:9" }
profile_models: { m: { perf_analyzer_flags: { percentile: 99, sequence-id-range: 7 } } }
`
  const { settingsFor } = read(text)
  const global = { percentile: 95, streaming: true, 'sequence-id-range': '5:9' }
  expect(settingsFor('any').perfAnalyzerFlags).toEqual(global)
  expect(settingsFor('m').perfAnalyzerFlags).toEqual({ ...global, percentile: 99, 'sequence-id-range': 7 })
})

test('what has no effect with the engine is told, once', () => {
  const flags = (text: string) =>
    `perf_analyzer_flags: {${text}}\nprofile_models: {m: {perf_analyzer_flags: {${text}}}}\n`
  const perfAnalyzer = 'gate: {engine: perf_analyzer}\n'
  expect(read(flags('percentile: 95')).warnings).toEqual([
    'perf_analyzer_flags.percentile: no effect: it needs gate.engine: perf_analyzer',
  ])
  expect(read(perfAnalyzer + flags('percentile: 95')).warnings).toEqual([])
  expect(read(flags('request-count: 5')).warnings).toEqual([])
  expect(read(perfAnalyzer + flags('request-count: 5')).warnings).toEqual([
    'perf_analyzer_flags.request-count: no effect with gate.engine: perf_analyzer',
  ])
})

test('where perf_analyzer is, and how long it may take', () => {
  expect(read('{perf_analyzer_path: /opt/pa, perf_analyzer_timeout: 2}').perfAnalyzer).toEqual({
    path: '/opt/pa',
    timeoutNs: 2e9,
  })
})
