import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { type ReplayOptions, refuseReplayFlags, replay } from './replay.ts'

const folder = mkdtempSync(join(tmpdir(), 'tpg-replay-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Point {
  readonly instance_count: number
  readonly concurrency: number
  readonly inferences_per_second?: number | null
}

const points: Point[] = [1, 2, 3].flatMap((instance_count) =>
  [1, 2, 4].map((concurrency) => ({
    instance_count,
    concurrency,
    inferences_per_second: 100 * Math.min(instance_count, concurrency),
  })),
)

async function replayed(change: (point: Point) => object, options: ReplayOptions & object = {}) {
  const file = join(folder, 'landscape.json')
  const made = points.map((point) => ({
    max_batch_size: 8,
    dynamic_batching: true,
    client_batch_size: 1,
    latency_p99_ms: 10 * Math.max(1, point.concurrency / point.instance_count),
    failed: false,
    is_default: point.instance_count === 1,
    ...point,
    ...change(point),
  }))
  const space = {
    instance_count: [1, 2, 3],
    max_batch_size: [8],
    dynamic_batching: [true],
    concurrency: [1, 2, 4],
  }
  const constraints = { perf_latency_p99: { max: 20 } }
  writeFileSync(
    file,
    JSON.stringify({ name: 'l', objective: { perf_throughput: 10 }, constraints, space, points: made }),
  )
  let text = ''
  const shell = {
    signal: new AbortController().signal,
    out: (part: string) => {
      text += part
    },
    err: () => {},
    cwd: folder,
  }
  expect(await replay(shell, file, { json: true, ...options })).toBe(0)
  return options.json === false ? { text } : JSON.parse(text)
}

test('a number of each measurement of its sequence, the best with the keys of its point, and its share of the optimum', async () => {
  const result = await replayed(() => ({}))
  expect(result.measurements).toBe(result.sequence.length)
  expect(result).toMatchObject({
    best: {
      instance_count: 3,
      max_batch_size: 8,
      dynamic_batching: true,
      concurrency: 4,
      client_batch_size: 1,
    },
    meets_constraints: true,
    share_of_optimum: 1,
  })
})

test('throughput of 0 everywhere is a landscape like any other', async () => {
  const result = await replayed(() => ({ inferences_per_second: 0 }))
  expect(result).toMatchObject({ meets_constraints: true, share_of_optimum: 1 })
})

test('the only place that works is found, be it the committed configuration at its lightest load', async () => {
  const result = await replayed(({ instance_count, concurrency }) => ({
    failed: instance_count > 1 || concurrency > 1,
  }))
  expect(result.best).toMatchObject({ instance_count: 1, concurrency: 1 })
})

test('where nothing works there is no best, and an end', async () => {
  const result = await replayed(() => ({ failed: true, inferences_per_second: null }))
  expect(result).toMatchObject({ best: null, meets_constraints: false, share_of_optimum: null })
})

const problemsOf = (error: unknown) =>
  error instanceof GateError ? error.problems.map(({ message }) => message) : [String(error)]

test('flags that would have no effect are refused, all at once', async () => {
  const wrong = { latencyBudget: '10', resume: true } as const
  const problems = await replayed(() => ({}), wrong).then(() => [], problemsOf)
  expect(problems).toEqual([
    '--latency-budget has no effect with --replay',
    '--resume has no effect with --replay',
  ])
  expect(() => refuseReplayFlags({ maxMeasurements: '5', seed: '1' })).toThrow(GateError)
  expect(() => refuseReplayFlags({})).not.toThrow()
  for (const one of [{ maxMeasurements: '1.5' }, { maxMeasurements: '0' }, { seed: '-1' }, { noise: '3%' }])
    await expect(replayed(() => ({}), one)).rejects.toBeInstanceOf(GateError)
})

test('in words: what is best and by how much, or that there is nothing to say', async () => {
  const words = async (change: (point: Point) => object, options: ReplayOptions = {}) =>
    (await replayed(change, { json: false, ...options })).text
  expect(await words(() => ({}))).toMatch(
    /\nBest: 3 instances, max batch size 8, dynamic batching on at concurrency 4 \(throughput 300 infer\/s, .*\), \d\.\d times as good as the committed configuration\. The committed configuration at its best load, /,
  )
  expect(await words(() => ({ latency_p99_ms: 30 }))).toMatch(
    /\nNothing that was measured meets the constraints; nearest is .*\. Missed: perf_latency_p99 is 30 ms, at most 20 ms asked/,
  )
  expect(await words(() => ({}), { searchMode: 'off' })).toMatch(
    /: 0 measurements; .*\nNothing was measured\.\n/,
  )
  expect(await words(() => ({ failed: true }))).toContain('No measurement succeeded.')
})

test('a file that is not there is not called bad JSON', async () => {
  const shell = { signal: new AbortController().signal, out: () => {}, err: () => {}, cwd: folder }
  await expect(replay(shell, join(folder, 'none.json'), {})).rejects.toThrow(
    /none\.json cannot be read: ENOENT/,
  )
})
