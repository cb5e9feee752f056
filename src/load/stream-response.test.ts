import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelStreamInferResponseSchema } from '../proto/grpc_service_pb.js'
import { MessageReader, readStreamResponse } from './stream-response.ts'

const encode = (init: MessageInitShape<typeof ModelStreamInferResponseSchema>) =>
  Buffer.from(toBinary(ModelStreamInferResponseSchema, create(ModelStreamInferResponseSchema, init)))
const flag = (value: boolean) => ({ parameterChoice: { case: 'boolParam' as const, value } })

function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

test('an answer with outputs, not the last', () => {
  const message = encode({
    inferResponse: {
      modelName: 'm',
      id: '42',
      parameters: {
        other: { parameterChoice: { case: 'int64Param', value: -1n } },
        triton_final_response: flag(false),
      },
      outputs: [{ name: 'Y', datatype: 'FP32', shape: [1n] }],
      rawOutputContents: [new Uint8Array(4)],
    },
  })
  expect(readStreamResponse(message)).toMatchObject({
    requestId: '42',
    error: null,
    final: false,
    hasData: true,
  })
})

test('the empty marker of the end', () => {
  const message = encode({ inferResponse: { id: '7', parameters: { triton_final_response: flag(true) } } })
  expect(readStreamResponse(message)).toMatchObject({
    requestId: '7',
    error: null,
    final: true,
    hasData: false,
  })
})

test('an error, with and without the id of its request', () => {
  expect(readStreamResponse(encode({ errorMessage: 'größe', inferResponse: { id: '3' } }))).toMatchObject({
    requestId: '3',
    error: 'größe',
    final: null,
    hasData: false,
  })
  expect(readStreamResponse(encode({ errorMessage: 'no' }))).toMatchObject({ requestId: '', error: 'no' })
})

test('bytes that are no message are refused, not misread', () => {
  expect(() => readStreamResponse(Buffer.from([0x0a, 0x05, 0x61]))).toThrow(RangeError)
  expect(() => readStreamResponse(Buffer.from([0x0f]))).toThrow(RangeError)
})

test('however the bytes are cut into chunks, the same messages come out', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(
      fc.array(bytes, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 20 })),
      (sent, sizes) => {
        const wire = Buffer.concat(sent.map(frame))
        const reader = new MessageReader()
        const received: Buffer[] = []
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? 7
          received.push(...reader.push(Buffer.from(wire.subarray(at, at + size))))
          at += size
        }
        expect(received.map((each) => each.toString('hex'))).toEqual(sent.map((each) => each.toString('hex')))
      },
    ),
  )
})

test('a compressed message is refused', () => {
  expect(() => new MessageReader().push(Buffer.from([1, 0, 0, 0, 0]))).toThrow('compressed')
})
