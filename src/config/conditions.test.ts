import { expect, test } from 'vitest'
import { matchSettings } from '../domain/conditions.ts'
import { settingsOf } from './conditions.ts'
import { readConfig } from './load-config.ts'

const settings = (text: string) => settingsOf(readConfig(text, 'c.yml', {}), 'm')

test.each([
  ['a longer warm-up', 'gate: {warmup_seconds: 5}', ['gate.warmup_seconds 1 ≠ 5']],
  [
    'a warm-up by number',
    'perf_analyzer_flags: {warmup-request-count: 9}',
    ['gate.warmup_seconds 1 ≠ none', 'warmup-request-count none ≠ 9'],
  ],
  ['shorter blocks', 'gate: {block_milliseconds: 250}', ['gate.block_milliseconds 500 ≠ 250']],
  ['memory clocks', 'gate: {lock_gpu_memory_clocks: 5001}', ['gate.lock_gpu_memory_clocks none ≠ 5001']],
  ['a stream', 'perf_analyzer_flags: {streaming: true}', ['streaming none ≠ true']],
  [
    'shorter sequences',
    'perf_analyzer_flags: {sequence-length: 2}',
    [/^sequences .*"length":null.* ≠ .*"length":2/],
  ],
  [
    'flags of the server',
    'triton_server_flags: {cache-config: "local,size=9"}',
    [/^triton_server_flags none ≠ sha256:[0-9a-f]{12}$/],
  ],
  [
    'its environment, which may hold a secret',
    'triton_server_environment: {TOKEN: hunter2}',
    [/^triton_server_environment none ≠ sha256:[0-9a-f]{12}$/],
  ],
  [
    'mounts',
    'triton_docker_mounts: ["/a:/b:ro"]',
    [/^triton_docker_mounts, triton_docker_shm_size none ≠ sha256:/],
  ],
])('%s changes what a number means', (_, text, differences) => {
  const expected = differences.map((each) => (typeof each === 'string' ? each : expect.stringMatching(each)))
  expect(matchSettings(settings(''), settings(text))).toEqual({ kind: 'other', differences: expected })
})

test('stability and percentile of perf_analyzer, where that makes the load', () => {
  const of = (flags: string) => settings(`gate: {engine: perf_analyzer}\nperf_analyzer_flags: {${flags}}`)
  expect(matchSettings(of('percentile: 95'), of('percentile: 99')).kind).toBe('other')
  expect(matchSettings(of('stability-percentage: 5'), of('')).kind).toBe('other')
  expect(
    matchSettings(of('percentile: 95, max-trials: 3'), of('max-trials: 3, percentile: 95')).kind,
  ).not.toBe('other')
})

test('TLS to a remote server', () => {
  const remote = (url: string) => settings(`triton_launch_mode: remote\ntriton_grpc_endpoint: ${url}`)
  expect(matchSettings(remote('grpc://h:1'), remote('grpcs://h:1'))).toMatchObject({ kind: 'other' })
})

test.each([
  ['repetitions', 'gate: {repetitions: 4}'],
  ['measured time', 'gate: {measurement_seconds: 9}'],
  ['requests', 'perf_analyzer_flags: {request-count: 900}'],
  ['loads', 'concurrency: 3'],
  ['labels of the container', 'triton_docker_labels: {team: a}'],
])('%s leave its meaning', (_, text) => {
  expect(matchSettings(settings(''), settings(text))).toEqual({ kind: 'alike' })
})

test.each([
  ['a time budget', 'gate: {time_budget: 60s}'],
  [
    'what is judged by',
    'latency_budget: 5\ngate: {tolerance: {perf_latency_p99: 9%}, on_inconclusive: fail}',
  ],
])('%s is no setting of a measurement', (_, text) => {
  expect(matchSettings(settings(''), settings(text))).toEqual({ kind: 'same' })
})
