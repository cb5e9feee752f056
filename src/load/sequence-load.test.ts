import { fromBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { type ModelInferRequest, ModelInferRequestSchema } from '../proto/grpc_service_pb.js'
import type { Window } from './generator.ts'
import type { LoadTarget } from './protocol.ts'
import { encodeInferRequest } from './request.ts'
import type { SequencePlan } from './sequences.ts'
import { setUp } from './testing-generator.ts'
import { dataResponse, failTrailersOnly, succeed } from './testing-server.ts'

const ms = 1e6
const frame = encodeInferRequest({ model: 'm', inputs: [] })
const plan: SequencePlan = {
  idType: 'number',
  firstId: 1,
  ids: 1e6,
  length: 5,
  lengthVariation: 0.2,
  live: 4,
  serial: true,
  streams: null,
}

interface Seen {
  readonly id: bigint | string
  readonly start: boolean
  readonly end: boolean
}

function seenIn({ parameters }: ModelInferRequest): Seen {
  const value = (name: string) => parameters[name]?.parameterChoice.value
  return {
    id: value('sequence_id') as bigint | string,
    start: value('sequence_start') === true,
    end: value('sequence_end') === true,
  }
}

/** However crowded the machine is, a closed loop gets through so many requests. */
const least = { minRequests: 90, maxDurationNs: 60_000 * ms }

/** Runs a load on a server that answers after `delayMs` and fails the requests that `fails` names; gives what came, in order. */
async function run(
  load: Load,
  options: {
    readonly changes?: Partial<LoadTarget>
    readonly fails?: (index: number) => boolean
    readonly delayMs?: number
    readonly durationMs?: number
  } = {},
): Promise<{ window: Window; seen: Seen[]; mostLive: number }> {
  const seen: Seen[] = []
  const live = new Set<unknown>()
  let mostLive = 0
  const note = (request: ModelInferRequest) => {
    const flags = seenIn(request)
    seen.push(flags)
    if (flags.start) live.add(flags.id)
    mostLive = Math.max(mostLive, live.size)
    if (flags.end) live.delete(flags.id)
    return seen.length - 1
  }
  const { generator, id } = await setUp(
    (stream, _index, _headers, body) => {
      const index = note(fromBinary(ModelInferRequestSchema, body.subarray(5)))
      setTimeout(() => {
        if (options.fails?.(index) === true) failTrailersOnly(stream, 13, 'no')
        else succeed(stream)
      }, options.delayMs ?? 1)
    },
    { frames: [frame], sequences: plan, ...options.changes },
    {
      streamAnswer: ({ respond }, request) => {
        note(request)
        setTimeout(() => respond(dataResponse(request.id, true)), options.delayMs ?? 1)
      },
    },
  )
  const durationNs = (options.durationMs ?? 150) * ms
  const enough = load.mode === 'concurrency' ? least : {}
  const window = await generator.run(id, load, { leadInNs: 20 * ms, durationNs, ...enough })
  return { window, seen, mostLive }
}

/** Whether each id's requests are whole sequences: start, then no other start, then end. */
function expectWhole(seen: readonly Seen[]): number[] {
  const open = new Map<unknown, number>()
  const lengths: number[] = []
  for (const { id, start, end } of seen) {
    expect(open.has(id)).toBe(!start)
    open.set(id, (open.get(id) ?? 0) + 1)
    if (!end) continue
    lengths.push(open.get(id) ?? 0)
    open.delete(id)
  }
  expect([...open.keys()]).toEqual([])
  return lengths
}

test('a closed loop keeps its concurrency of sequences live, and leaves none behind', async () => {
  const { window, seen, mostLive } = await run({ mode: 'concurrency', concurrency: 3 })
  const lengths = expectWhole(seen)
  expect(window.failures).toEqual({})
  expect(window.issued).toBe(seen.length)
  expect(mostLive).toBe(3)
  expect(lengths.length).toBeGreaterThan(6)
  // The last may be cut by the end of the run, which takes one more request.
  expect(Math.max(...lengths)).toBeLessThanOrEqual(7)
})

test('an open loop has the asked number of live sequences, one request of each at a time', async () => {
  const { window, seen, mostLive } = await run({ mode: 'requestRate', requestRate: 300 })
  expectWhole(seen)
  expect(window.latenciesNs.length).toBe(45)
  expect(window.issued).toBe(seen.length)
  expect(mostLive).toBe(4)
})

test('over streams, requests of a sequence that is not serial follow each other unanswered, in their order', async () => {
  const { window, seen } = await run(
    { mode: 'requestRate', requestRate: 300 },
    {
      changes: { sequences: { ...plan, serial: false, live: 1 }, streaming: { decoupled: false } },
      delayMs: 30,
    },
  )
  expectWhole(seen)
  expect(window.failures).toEqual({})
  // Serial, one sequence could have sent only one request in 30 ms.
  expect(window.latenciesNs.length).toBe(45)
  expect(window.issued).toBe(seen.length)
})

test('a request that fails breaks its sequence off: it is ended on the server, and another begins', async () => {
  const { window, seen } = await run(
    { mode: 'concurrency', concurrency: 1 },
    { fails: (index) => index === 20 || index === 21, durationMs: 200 },
  )
  expectWhole(seen)
  const [failed, next] = [seen[20], seen[21]]
  if (failed?.end === false) expect(next).toEqual({ id: failed.id, start: false, end: true })
  expect(window.issued).toBe(seen.length)
  expect(Object.keys(window.failures)).toEqual(['INTERNAL'])
})

test('string correlation ids are sent as strings', async () => {
  const { seen } = await run(
    { mode: 'concurrency', concurrency: 1 },
    { changes: { sequences: { ...plan, idType: 'string' } } },
  )
  expect(seen[0]?.id).toBe('1')
})
