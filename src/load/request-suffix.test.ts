import { fromBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ModelInferRequestSchema } from '../proto/grpc_service_pb.js'
import { encodeInferRequest } from './request.ts'
import { encodeSuffix, withSuffix } from './request-suffix.ts'

const frame = encodeInferRequest({
  model: 'm',
  inputs: [{ name: 'X', datatype: 'FP32', shape: [1], data: new Uint8Array([1, 2, 3, 4]) }],
})

function decode(whole: Buffer) {
  expect(whole.readUInt32BE(1)).toBe(whole.length - 5)
  return fromBinary(ModelInferRequestSchema, whole.subarray(5))
}

test('sequence id and flags, request id and the wish for an empty final response', () => {
  const fields = {
    requestId: '17',
    sequence: { id: 300, start: true, end: true },
    emptyFinalResponse: true,
  }
  const request = decode(withSuffix(frame, encodeSuffix(fields)))
  expect(request.id).toBe('17')
  expect(request.modelName).toBe('m')
  expect(request.rawInputContents.map((each) => [...each])).toEqual([[1, 2, 3, 4]])
  const choices = Object.fromEntries(
    Object.entries(request.parameters).map(([name, { parameterChoice }]) => [name, parameterChoice]),
  )
  expect(choices).toEqual({
    sequence_id: { case: 'int64Param', value: 300n },
    sequence_start: { case: 'boolParam', value: true },
    sequence_end: { case: 'boolParam', value: true },
    triton_enable_empty_final_response: { case: 'boolParam', value: true },
  })
})

test('flags that are not set are not sent, and nothing at all leaves the request as it was', () => {
  const middle = decode(withSuffix(frame, encodeSuffix({ sequence: { id: 'a', start: false, end: false } })))
  expect(Object.keys(middle.parameters)).toEqual(['sequence_id'])
  expect(withSuffix(frame, encodeSuffix({}))).toEqual(Buffer.from(frame))
})

test('any correlation id arrives as it was sent', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.string({ unit: 'grapheme', maxLength: 300 })), (id) => {
      const request = decode(withSuffix(frame, encodeSuffix({ sequence: { id, start: true, end: false } })))
      const choice = request.parameters.sequence_id?.parameterChoice
      expect(choice?.value).toBe(typeof id === 'number' ? BigInt(id) : id)
    }),
  )
})

test('the shared frame is not written to', () => {
  const before = Buffer.from(frame)
  withSuffix(frame, encodeSuffix({ requestId: 'x' }))
  expect(Buffer.from(frame)).toEqual(before)
})
