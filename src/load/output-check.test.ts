import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { ModelInferResponseSchema } from '../proto/grpc_service_pb.js'
import type { Window } from './generator.ts'
import { answerChecks } from './output-check.ts'
import type { ExpectedOutput, LoadTarget, OutputCheck } from './protocol.ts'
import { encodeInferRequest } from './request.ts'
import { setUp } from './testing-generator.ts'
import { type Answer, emptyFinal, type StreamAnswer, succeed } from './testing-server.ts'

type Response = MessageInitShape<typeof ModelInferResponseSchema>
const encode = (response: Response) =>
  Buffer.from(toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, response)))
const output = (name: string, shape: bigint[] = [1n, 4n]) => ({ name, datatype: 'UINT8', shape })
const bytes = (...values: number[]) => Uint8Array.from(values)
const undeclared = { outputs: [], areOfFixedSize: false }
const given = (...outputs: (readonly ExpectedOutput[] | null)[]): OutputCheck => ({
  declared: undeclared,
  bytes: { kind: 'given', outputs },
})
const expected: ExpectedOutput = { name: 'Y', shape: [1, 4], data: bytes(1, 2, 3, 4) }
const right: Response = {
  modelName: 'm',
  outputs: [output('Z', [300n]), output('Y')],
  rawOutputContents: [bytes(9), expected.data],
}

function judge(response: Response, outputs: readonly ExpectedOutput[] = [expected]): string | null {
  const [check] = answerChecks(given(outputs), 1).ofFrames
  return check?.judge(() => encode(response)) ?? null
}

test('the outputs that are known are compared by name: bytes, size, shape, and whether they are there', () => {
  expect(judge(right)).toBeNull()
  const answer = (changes: Response) => judge({ ...right, ...changes })
  expect(answer({ rawOutputContents: [bytes(9), bytes(1, 2, 7, 8)] })).toBe(
    "output 'Y' differs at byte 2 of 4: 7, expected is 3",
  )
  expect(answer({ rawOutputContents: [bytes(9), bytes(1, 2, 3)] })).toBe(
    "output 'Y' has 3 bytes, expected are 4",
  )
  expect(answer({ outputs: [output('Z'), output('Y', [4n, 1n])] })).toBe(
    "output 'Y' has shape [4, 1], expected is [1, 4]",
  )
  expect(answer({ outputs: [output('Z')] })).toBe("output 'Y' is missing")
  expect(answer({ rawOutputContents: [] })).toContain('did not come as raw bytes')
})

test('an answer that is no message is wrong, not a crash', () => {
  const [check] = answerChecks(given([expected]), 1).ofFrames
  expect(check?.judge(() => Buffer.from([0x2a, 0x05, 0x61]))).toContain('cannot be read')
})

test('a frame of which nothing is known is not looked at', () => {
  expect(answerChecks(given(null, [expected]), 2).ofFrames[0]).toBeNull()
})

test('the first answer to each frame is what the later ones must be', () => {
  const [one, other] = answerChecks({ declared: undeclared, bytes: { kind: 'first' } }, 2).ofFrames
  const changed = encode({ ...right, rawOutputContents: [bytes(9), bytes(1, 2, 3, 5)] })
  expect(one?.judge(() => encode(right))).toBeNull()
  expect(other?.judge(() => changed)).toBeNull()
  expect(one?.judge(() => changed)).toContain("'Y' differs at byte 3 of 4")
  expect(other?.judge(() => changed)).toBeNull()
})

const declaring = (shape: readonly number[], areOfFixedSize = true, datatype = 'UINT8'): OutputCheck => ({
  declared: { outputs: [{ name: 'Y', datatype, shape }], areOfFixedSize },
  bytes: null,
})

test('type and shape are those of the configuration, -1 is any size; an output that does not come is no mismatch', () => {
  const ask = (check: OutputCheck, response = right) =>
    answerChecks(check, 1).ofFrames[0]?.judge(() => encode(response))
  for (const shape of [
    [1, 4],
    [-1, 4],
    [-1, -1],
  ])
    expect(ask(declaring(shape))).toBeNull()
  expect(ask(declaring([-1, 5]))).toBe("output 'Y' has shape [1, 4], the model's configuration says [-1, 5]")
  expect(ask(declaring([4]))).toContain('has shape [1, 4]')
  expect(ask(declaring([1, 4], true, 'FP32'))).toBe(
    "output 'Y' is UINT8, the model's configuration says FP32",
  )
  expect(ask(declaring([-1, 5]), { ...right, outputs: [output('Z')] })).toBeNull()
})

test('shapes are read once, and again where a length is another; never again where sizes may differ', () => {
  const message = encode(right)
  for (const areOfFixedSize of [true, false]) {
    const [check] = answerChecks(declaring([1, 4], areOfFixedSize), 1).ofFrames
    const mustRead = () =>
      [message.length, message.length + 1, Number.NaN].map((bytes) => check?.mustRead(bytes))
    expect(mustRead()).toEqual([true, true, true])
    expect(check?.judge(() => message)).toBeNull()
    expect(mustRead()).toEqual([false, areOfFixedSize, areOfFixedSize])
  }
  const [bytewise] = answerChecks(given([expected]), 1).ofFrames
  expect(bytewise?.judge(() => message)).toBeNull()
  expect(bytewise?.mustRead(message.length)).toBe(true)
})

test('of a wrong shape nothing is learnt: the next one of its length is read again', () => {
  const [check] = answerChecks(declaring([1, 5]), 1).ofFrames
  const message = encode(right)
  expect(check?.judge(() => message)).not.toBeNull()
  expect(check?.mustRead(message.length)).toBe(true)
})

const load: Load = { mode: 'concurrency', concurrency: 2 }
const check = given([expected], [expected])

async function run(
  answer: Answer,
  changes: Partial<LoadTarget> = {},
  streamAnswer?: StreamAnswer,
): Promise<Window> {
  const options = streamAnswer === undefined ? {} : { streamAnswer }
  const { generator, id } = await setUp(answer, { check, ...changes }, options)
  return generator.run(id, load, { leadInNs: 0, durationNs: 0, requestCount: 60 })
}

const wrong = { ...right, rawOutputContents: [bytes(9), bytes(1, 2, 3, 5)] }

test('every third answer is wrong: so many requests have failed, and are in no latency', async () => {
  const window = await run((stream, index) => succeed(stream, encode(index % 3 === 2 ? wrong : right)))
  expect(window.failures).toEqual({ wrong_output: 20 })
  expect(window.latenciesNs).toHaveLength(40)
  expect(window.completed).toBe(40)
  expect(window.firstFailure).toBe("wrong_output: output 'Y' differs at byte 3 of 4: 5, expected is 4")
})

test('a shape that is wrong now and then is found by its length, over the wire and over streams', async () => {
  const declared = declaring([-1, 4])
  const short = encode({
    ...right,
    outputs: [output('Z', [300n]), output('Y', [1n, 3n])],
    rawOutputContents: [bytes(9), bytes(1, 2, 3)],
  })
  const unary = await run((stream, index) => succeed(stream, index % 3 === 2 ? short : encode(right)), {
    check: declared,
  })
  expect(unary.failures).toEqual({ wrong_output: 20 })
  expect(unary.firstFailure).toContain("output 'Y' has shape [1, 3]")
  const frame = encodeInferRequest({ model: 'm', inputs: [] })
  const shape = (index: number) => (index % 3 === 2 ? [1n, 30_000n] : [1n, 4n])
  const streamed = await run(
    (stream) => succeed(stream),
    { check: declared, frames: [frame, frame], streaming: { decoupled: false } },
    ({ respond }, request, index) =>
      respond({ inferResponse: { id: request.id, outputs: [output('Y', shape(index))] } }),
  )
  // Ids of two digits make answers longer, which are then read and found to be right.
  expect(streamed.failures).toEqual({ wrong_output: 20 })
})

test('without a check the same answers are as good as any', async () => {
  const window = await run((stream) => succeed(stream, encode(wrong)), { check: undefined } as never)
  expect(window.failures).toEqual({})
})

test('an answer that comes in pieces is put together before it is compared', async () => {
  const data = Buffer.alloc(100_000, 7)
  const large = encode({ outputs: [output('Y', [100_000n])], rawOutputContents: [data] })
  const outputs = [{ name: 'Y', shape: [100_000], data }]
  const window = await run((stream) => succeed(stream, large), {
    check: given(outputs, outputs),
  })
  expect(window.failures).toEqual({})
  expect(window.latenciesNs).toHaveLength(60)
})

test('a compressed answer, or two in one, is named', async () => {
  const compressed = await run((stream) => succeed(stream, encode(right), { compressed: true }))
  expect(compressed.failures).toEqual({ INTERNAL: 60 })
  expect(compressed.firstFailure).toContain('a compressed response')
  const twice = await run((stream) => succeed(stream, encode(right), { times: 2 }))
  expect(twice.firstFailure).toMatch(/INTERNAL: a response of \d+ bytes whose one message takes \d+/)
})

test('of a decoupled model the first response is compared, and none at all is wrong', async () => {
  const frame = encodeInferRequest({ model: 'm', inputs: [] })
  const changes: Partial<LoadTarget> = { frames: [frame, frame], streaming: { decoupled: true } }
  const window = await run(
    (stream) => succeed(stream),
    changes,
    ({ respond }, { id }, index) => {
      if (index % 3 !== 2) {
        respond({ inferResponse: { ...right, id } })
        respond({ inferResponse: { ...wrong, id } })
      } else if (index % 2 === 0) respond({ inferResponse: { ...wrong, id } })
      respond(emptyFinal(id))
    },
  )
  expect(window.failures).toEqual({ wrong_output: 20 })
  expect(window.latenciesNs).toHaveLength(40)
  expect(window.firstFailure).toContain('wrong_output')
})
