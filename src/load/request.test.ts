import { fromBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ModelInferRequestSchema } from '../proto/grpc_service_pb.js'
import { encodeInferRequest } from './request.ts'

test('a frame is the gRPC prefix and a ModelInferRequest with raw contents in the order of the inputs', () => {
  const frame = encodeInferRequest({
    model: 'add_sub',
    version: '2',
    inputs: [
      { name: 'A', datatype: 'FP32', shape: [1, 2], data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) },
      { name: 'B', datatype: 'BYTES', shape: [1, 1], data: new Uint8Array([1, 0, 0, 0, 65]) },
    ],
    outputs: [{ name: 'OUT' }],
  })
  expect(frame[0]).toBe(0)
  expect(Buffer.from(frame).readUInt32BE(1)).toBe(frame.length - 5)
  // Exactly its own memory: it is copied to the load thread with its whole buffer.
  expect(frame.buffer.byteLength).toBe(frame.length)
  const message = fromBinary(ModelInferRequestSchema, frame.subarray(5))
  expect(message).toMatchObject({ modelName: 'add_sub', modelVersion: '2' })
  expect(message.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual([
    { name: 'A', datatype: 'FP32', shape: [1n, 2n] },
    { name: 'B', datatype: 'BYTES', shape: [1n, 1n] },
  ])
  expect(message.outputs.map(({ name }) => name)).toEqual(['OUT'])
  expect(message.rawInputContents.map((content) => [...content])).toEqual([
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 0, 0, 0, 65],
  ])
})

test('without version and outputs: the latest version, every output', () => {
  const frame = encodeInferRequest({ model: 'm', inputs: [] })
  const message = fromBinary(ModelInferRequestSchema, frame.subarray(5))
  expect(message.modelVersion).toBe('')
  expect(message.outputs).toEqual([])
})

test('tensors in shared memory: only their places are sent', () => {
  const place = (offset: number) => ({ region: 'r', offset, byteSize: 8 })
  const frame = encodeInferRequest({
    model: 'm',
    inputs: [
      { name: 'A', datatype: 'FP32', shape: [2], sharedMemory: place(0) },
      { name: 'B', datatype: 'UINT8', shape: [1], data: new Uint8Array([7]) },
    ],
    outputs: [{ name: 'Y', sharedMemory: place(64) }],
  })
  const message = fromBinary(ModelInferRequestSchema, frame.subarray(5))
  const parameters = (of: (typeof message.inputs)[number] | (typeof message.outputs)[number] | undefined) =>
    Object.fromEntries(
      Object.entries(of?.parameters ?? {}).map(([name, value]) => [name, value.parameterChoice.value]),
    )
  expect(parameters(message.inputs[0])).toEqual({ shared_memory_region: 'r', shared_memory_byte_size: 8n })
  expect(parameters(message.inputs[1])).toEqual({})
  expect(parameters(message.outputs[0])).toEqual({
    shared_memory_region: 'r',
    shared_memory_byte_size: 8n,
    shared_memory_offset: 64n,
  })
  expect(message.rawInputContents.map((content) => [...content])).toEqual([[7]])
})
