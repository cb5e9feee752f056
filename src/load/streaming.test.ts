import { constants } from 'node:http2'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import type { LoadTarget } from './protocol.ts'
import { encodeInferRequest } from './request.ts'
import { concurrency, serve, setUp, succeedAtOnce } from './testing-generator.ts'
import { dataResponse, emptyFinal, type StreamAnswer } from './testing-server.ts'

const ms = 1e6
const frame = encodeInferRequest({ model: 'm', inputs: [] })
/** Ends with its requests however slow the machine is. */
const untilEnough = { leadInNs: 0, durationNs: 30 * ms, maxDurationNs: 60_000 * ms }

async function streams(
  streamAnswer: StreamAnswer,
  changes: Partial<LoadTarget> = {},
): ReturnType<typeof setUp> {
  const target = { frames: [frame], streaming: { decoupled: true }, ...changes }
  return setUp(succeedAtOnce, target, { streamAnswer })
}

test('responses are told apart by request; each outstanding request has a stream, and windows use them again', async () => {
  const { server, generator, id } = await streams(({ respond }, request) => {
    setTimeout(() => {
      respond(dataResponse(request.id, false))
      setTimeout(() => {
        respond(dataResponse(request.id, false))
        setTimeout(() => respond(emptyFinal(request.id)), 300)
      }, 20)
    }, 10)
  })
  const window = await generator.run(id, concurrency(3), {
    leadInNs: 0,
    durationNs: 300 * ms,
    minRequests: 12,
    maxDurationNs: 60_000 * ms,
  })
  expect(window.failures).toEqual({})
  expect(window.issued).toBe(server.messages)
  expect(window.responses?.firstNs).toHaveLength(window.latenciesNs.length)
  expect(window.responses?.gapsNs).toHaveLength(window.latenciesNs.length)
  const least = (values: Float64Array | undefined) => values?.[0] ?? Number.NaN
  expect(least(window.responses?.firstNs)).toBeGreaterThan(9 * ms)
  expect(least(window.responses?.firstNs)).toBeLessThan(least(window.latenciesNs))
  // One may catch up with the one before on the way, not all.
  expect(window.responses?.gapsNs.at(-1)).toBeGreaterThan(15 * ms)
  // To the last response with data, not to the empty one 300 ms behind it.
  expect(least(window.latenciesNs)).toBeGreaterThan(28 * ms)
  expect(least(window.latenciesNs)).toBeLessThan(290 * ms)
  expect(server.mostOpen).toBe(3)
  await generator.run(id, concurrency(3), { leadInNs: 0, durationNs: 50 * ms })
  expect(server.requests).toBe(3)
})

test('a request that is answered with nothing has a latency and no first response', async () => {
  const { generator, id } = await streams(({ respond }, { id: requestId }) => respond(emptyFinal(requestId)))
  const window = await generator.run(id, concurrency(1), { ...untilEnough, minRequests: 5 })
  expect(window.latenciesNs.length).toBeGreaterThan(0)
  expect(window.responses).toMatchObject({ count: 0 })
  expect(window.responses?.firstNs).toHaveLength(0)
})

test('a data response that is itself the last ends the request', async () => {
  const { server, generator, id } = await streams(({ respond }, { id: requestId }) =>
    respond(dataResponse(requestId, true)),
  )
  const window = await generator.run(id, concurrency(2), {
    ...untilEnough,
    minRequests: 20,
  })
  expect(window.latenciesNs.length).toBe(server.messages)
  expect(window.responses?.count).toBeGreaterThan(0)
})

test('an error ends its request at once, or after what still follows it; the stream lives on', async () => {
  const { server, generator, id } = await streams(({ respond }, { id: requestId }, index) => {
    if (index === 0) respond({ errorMessage: 'refused', inferResponse: { id: requestId } })
    else if (index === 1) {
      const parameters = dataResponse(requestId, false).inferResponse?.parameters ?? {}
      respond({ errorMessage: 'half way', inferResponse: { id: requestId, parameters } })
      respond(emptyFinal(requestId))
    } else respond(dataResponse(requestId, true))
  })
  const window = await generator.run(id, concurrency(1), {
    ...untilEnough,
    minRequests: 20,
  })
  expect(window.failures).toEqual({ UNKNOWN: 2 })
  expect(window.firstFailure).toBe('UNKNOWN: refused')
  expect(window.latenciesNs.length).toBe(server.messages - 2)
  expect(server.requests).toBe(1)
})

test('a stream that breaks fails what is under way on it, and is opened again', async () => {
  const { server, generator, id } = await streams(({ stream, respond }, { id: requestId }, index) => {
    if (index === 1) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else respond(dataResponse(requestId, true))
  })
  const window = await generator.run(id, concurrency(1), { ...untilEnough, minRequests: 5 })
  expect(window.failures).toEqual({ reset: 1 })
  expect(server.requests).toBe(2)
  expect(window.latenciesNs.length).toBe(server.messages - 1)
})

test('with the server gone requests fail as connection, and the next run finds it again', async () => {
  const answer: StreamAnswer = ({ respond }, { id: requestId }) =>
    setTimeout(() => respond(dataResponse(requestId, true)), 2)
  const { server, generator, id } = await streams((call, request, index) => {
    answer(call, request, index)
    if (index === 9) void server.stop()
  })
  const window = await generator.run(id, concurrency(2), { ...untilEnough, minRequests: 20 })
  // This server may reset its streams before it hangs up.
  const { connection = 0, reset = 0, ...others } = window.failures
  expect(others).toEqual({})
  expect(reset).toBeLessThanOrEqual(2)
  expect(connection).toBeGreaterThan(0)
  await serve(succeedAtOnce, { streamAnswer: answer, port: server.port })
  const next = await generator.run(id, concurrency(2), { ...untilEnough, leadInNs: 100 * ms, minRequests: 5 })
  expect(next.failures).toEqual({})
  expect(next.latenciesNs.length).toBeGreaterThan(0)
})

test('what never ends is a deadline failure, its late responses count for nobody', async () => {
  let respondLate = () => {}
  const { generator, id } = await streams(
    ({ respond }, { id: requestId }, index) => {
      if (index === 0) respondLate = () => respond(dataResponse(requestId, true))
      else if (index > 1) respond(dataResponse(requestId, true))
      else {
        // It is sent when the first was given up, and must not end by what is for that one.
        respondLate()
        respond({ errorMessage: 'its own', inferResponse: { id: requestId } })
      }
    },
    { deadlineNs: 1500 * ms },
  )
  const counted = { leadInNs: 0, durationNs: 0, requestCount: 10 }
  const window = await generator.run(id, concurrency(1), counted)
  expect(window.failures).toEqual({ deadline: 1, UNKNOWN: 1 })
  expect(window.latenciesNs).toHaveLength(8)
})

test('an answer that is no message of Triton is a failure with its reason', async () => {
  const { generator, id } = await streams(({ stream, respond }, { id: requestId }, index) => {
    if (index === 0) stream.write(Buffer.from([0, 0, 0, 0, 2, 0x0a, 0x7f]))
    else respond(dataResponse(requestId, true))
  })
  const window = await generator.run(id, concurrency(1), { ...untilEnough, minRequests: 5 })
  expect(window.failures).toEqual({ INTERNAL: 1 })
  expect(window.firstFailure).toContain('cannot be read')
})

test('a model that is not decoupled gives one response, marked or not; an open loop uses as many streams as it needs', async () => {
  const { server, generator, id } = await streams(
    ({ respond }, { id: requestId, parameters }) => {
      expect(Object.keys(parameters)).toEqual([])
      setTimeout(() => respond({ inferResponse: { id: requestId, outputs: [{ name: 'Y' }] } }), 15)
    },
    { streaming: { decoupled: false } },
  )
  const load: Load = { mode: 'requestRate', requestRate: 200 }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs: 200 * ms })
  expect(window.failures).toEqual({})
  expect(window.latenciesNs.length).toBe(40)
  expect(window.responses).toBeUndefined()
  expect(server.mostOpen).toBeGreaterThan(1)
})
