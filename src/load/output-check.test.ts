import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import type { Load } from '../domain/load.ts'
import { ModelInferResponseSchema } from '../proto/grpc_service_pb.js'
import { openLoadGenerator, type Window } from './generator.ts'
import { answerChecks } from './output-check.ts'
import type { ExpectedOutput, LoadTarget } from './protocol.ts'
import { encodeInferRequest } from './request.ts'
import {
  type Answer,
  emptyFinal,
  type StreamAnswer,
  startTestingServer,
  succeed,
  targetOn,
  testingWorld,
} from './testing-server.ts'

type Response = MessageInitShape<typeof ModelInferResponseSchema>
const encode = (response: Response) =>
  Buffer.from(toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, response)))
const output = (name: string, shape: bigint[] = [1n, 4n]) => ({ name, datatype: 'UINT8', shape })
const bytes = (...values: number[]) => Uint8Array.from(values)
const expected: ExpectedOutput = { name: 'Y', shape: [1, 4], data: bytes(1, 2, 3, 4) }
const right: Response = {
  modelName: 'm',
  outputs: [output('Z', [300n]), output('Y')],
  rawOutputContents: [bytes(9), expected.data],
}

function judge(response: Response, outputs: readonly ExpectedOutput[] = [expected]): string | null {
  const [check] = answerChecks({ kind: 'given', outputs: [outputs] }, 1)
  return check?.(() => encode(response)) ?? null
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
  const [check] = answerChecks({ kind: 'given', outputs: [[expected]] }, 1)
  expect(check?.(() => Buffer.from([0x2a, 0x05, 0x61]))).toContain('cannot be read')
})

test('a frame of which nothing is known is not looked at', () => {
  expect(answerChecks({ kind: 'given', outputs: [null, [expected]] }, 2)[0]).toBeNull()
})

test('the first answer to each frame is what the later ones must be', () => {
  const [one, other] = answerChecks({ kind: 'first' }, 2)
  const changed = encode({ ...right, rawOutputContents: [bytes(9), bytes(1, 2, 3, 5)] })
  expect(one?.(() => encode(right))).toBeNull()
  expect(other?.(() => changed)).toBeNull()
  expect(one?.(() => changed)).toContain("'Y' differs at byte 3 of 4")
  expect(other?.(() => changed)).toBeNull()
})

const closeAfterwards: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closeAfterwards.splice(0).reverse()) await close()
})

const load: Load = { mode: 'concurrency', concurrency: 2 }
const check = { kind: 'given', outputs: [[expected], [expected]] } as const

async function run(
  answer: Answer,
  changes: Partial<LoadTarget> = {},
  streamAnswer?: StreamAnswer,
): Promise<Window> {
  const server = await startTestingServer(answer, streamAnswer === undefined ? {} : { streamAnswer })
  closeAfterwards.push(server.stop)
  const generator = await openLoadGenerator(testingWorld())
  closeAfterwards.push(generator.close)
  const target = targetOn(server.port, { check, ...changes })
  await generator.open(target)
  return generator.run(target.id, load, { leadInNs: 0, durationNs: 0, requestCount: 60 })
}

const wrong = { ...right, rawOutputContents: [bytes(9), bytes(1, 2, 3, 5)] }

test('every third answer is wrong: so many requests have failed, and are in no latency', async () => {
  const window = await run((stream, index) => succeed(stream, encode(index % 3 === 2 ? wrong : right)))
  expect(window.failures).toEqual({ wrong_output: 20 })
  expect(window.latenciesNs).toHaveLength(40)
  expect(window.completed).toBe(40)
  expect(window.firstFailure).toBe("wrong_output: output 'Y' differs at byte 3 of 4: 5, expected is 4")
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
    check: { kind: 'given', outputs: [outputs, outputs] },
  })
  expect(window.failures).toEqual({})
  expect(window.latenciesNs).toHaveLength(60)
})

test('a compressed answer, or two in one, is named', async () => {
  const compressed = await run((stream) => succeed(stream, encode(right), { compressed: true }))
  expect(compressed.failures).toEqual({ wrong_output: 60 })
  expect(compressed.firstFailure).toContain('a compressed message')
  const twice = await run((stream) => succeed(stream, encode(right), { times: 2 }))
  expect(twice.firstFailure).toContain('2 messages instead of one')
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
