import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import type { RunOutput } from '../domain/world.ts'
import { nsPerSecond } from '../domain/world.ts'
import { crossCheck } from './cross-check.ts'
import type { Level } from './level.ts'
import { perfAnalyzerVersion, runLevel } from './run.ts'

const settings = { path: 'perf_analyzer', timeoutNs: 60 * nsPerSecond }
const level: Level = {
  model: 'add_sub',
  grpc: { host: '127.0.0.1', port: 8001, tls: false },
  load: { mode: 'concurrency', concurrency: 2 },
  inputData: '{}',
  windowNs: nsPerSecond,
  anyStability: false,
  flags: {},
}

const epochNs = 1_795_777_074_602_823_835n
const secondNs = 1_000_000_000n

/** Four windows of a second, of which the first is not counted; requests of 10, 20, … ms end in the middle of each. */
function profileExport(): string {
  const requests = Array.from({ length: 4 }, (_, window) =>
    Array.from({ length: 10 }, (__, index) => {
      const end = epochNs + BigInt(window) * secondNs + secondNs / 2n + BigInt(index)
      const start = end - BigInt((window * 10 + index + 1) * 10_000_000)
      // A string tensor may say anything.
      return `{"timestamp":${start},"request_inputs":{"T":["\\"timestamp\\":1,"]},"response_timestamps":[${end}],"response_outputs":[{"O":[1.5]}]}`
    }),
  ).flat()
  const edges = [0n, 1n, 2n, 3n, 4n].map((index) => epochNs + index * secondNs)
  return `{"experiments":[{"experiment":{"mode":"concurrency","value":2},"requests":[${requests.join(',')}],"window_boundaries":[${edges.join(',')}]}],"version":"0.0.0"}`
}

const report = (level: number, inferPerSec: number, p99Us: number) =>
  `Concurrency,Inferences/Second,Client Send,p50 latency,p90 latency,p95 latency,p99 latency\n${level},${inferPerSec},1,260000,370000,390000,${p99Us}\n`

/** perf_analyzer as a function: what it prints and writes. */
function analyzer(output: Partial<RunOutput>, files: Readonly<Record<string, string>> = {}) {
  return fakeWorld({}, (_, __, { cwd = '' }) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
    return output
  })
}

const good = { 'report.csv': report(2, 10, 400_000), 'profile_export.json': profileExport() }

test('the last three windows count, with every digit of their stamps', async () => {
  const outcome = await runLevel(
    analyzer({ stdout: '    Avg client overhead: 0.57%\n' }, good),
    settings,
    level,
  )
  if (outcome.status !== 'measured') throw new Error(outcome.reason)
  expect(outcome.self.overheadRatio).toBeCloseTo(0.0057)
  expect(outcome.profile.requests).toBe(40)
  expect(outcome.profile.windows.map(({ latenciesNs }) => latenciesNs.length)).toEqual([10, 10, 10])
  expect(outcome.profile.windows[0]?.latenciesNs[0]).toBe(110_000_000)
  expect(outcome.profile.windows.map(({ durationNs }) => durationNs)).toEqual([1e9, 1e9, 1e9])
  expect(crossCheck(level.load, outcome.row, outcome.profile)).toEqual([])
})

test('a report whose figures are not those of the raw data is told', async () => {
  const files = { ...good, 'report.csv': report(2, 15, 300_000) }
  const outcome = await runLevel(analyzer({}, files), settings, level)
  if (outcome.status !== 'measured') throw new Error(outcome.reason)
  const warnings = crossCheck(level.load, outcome.row, outcome.profile)
  expect(warnings[0]).toContain('15 infer/s, its profile export 10.0')
  expect(warnings[1]).toContain('p99 of 300000 µs')
})

test.each([
  ['unstable', { exitCode: 2, stderr: 'Failed to obtain stable measurement.\n' }, {}, 'Failed to obtain'],
  ['unstable', { exitCode: 0, stdout: 'done\n' }, {}, 'without the row'],
  ['unstable', { exitCode: 0 }, { ...good, 'report.csv': report(3, 10, 400_000) }, 'without the row'],
  [
    'unstable',
    { exitCode: 0, stdout: '[WARNING] Request latency is not stabilizing\n' },
    good,
    'not stabilizing',
  ],
  ['silent', { exitCode: 3, stderr: 'No valid requests recorded\n' }, {}, 'No valid requests'],
  ['requestFailed', { exitCode: 99, stderr: 'Thread [0] had error: boom\n' }, {}, 'boom'],
  ['timedOut', { exitCode: null, timedOut: true }, {}, '60 s (perf_analyzer_timeout)'],
] as const)('%s: %o', async (status, output, files, words) => {
  const outcome = await runLevel(analyzer(output, files), settings, level)
  expect(outcome).toMatchObject({ status, reason: expect.stringContaining(words) })
})

test.each([
  ['', 'empty or cut off'],
  [profileExport().slice(0, 900), 'empty or cut off'],
])('an export that is no whole one is an error, never fewer requests', async (text, words) => {
  const files = { ...good, 'profile_export.json': text }
  await expect(runLevel(analyzer({}, files), settings, level)).rejects.toThrow(words)
})

test('no program, or one for a newer system, is said with what to do', async () => {
  const none = fakeWorld({}, () => undefined)
  await expect(perfAnalyzerVersion(none, settings)).rejects.toThrow('perf_analyzer was not found')
  const newer = analyzer({ exitCode: 1, stderr: "libc.so.6: version `GLIBC_2.38' not found\n" })
  await expect(perfAnalyzerVersion(newer, settings)).rejects.toMatchObject({
    hint: expect.stringContaining('glibc 2.38'),
  })
})

test('the command line names one level; the user’s flags go before ours', async () => {
  const world = analyzer({}, good)
  await runLevel(world, settings, {
    ...level,
    load: { mode: 'concurrency', concurrency: 2, batchSize: 4 },
    flags: { 'measurement-interval': 500, async: true, streaming: false },
  })
  expect(world.ran[0]).toContain('--concurrency-range 2:2:1 -b 4')
  expect(world.ran[0]).toContain('--measurement-interval 500')
  expect(world.ran[0]).toMatch(/--async$/)
  expect(world.ran[0]).not.toContain('streaming')
})
