import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { asGateError } from '../domain/error.ts'
import { DataType, ModelConfigSchema } from '../proto/model_config_pb.js'
import { createRegion } from './shared-memory.ts'

const config = create(ModelConfigSchema, {
  name: 'm',
  output: [
    { name: 'Y', dataType: DataType.TYPE_FP16, dims: [3n] },
    { name: 'S', dataType: DataType.TYPE_STRING, dims: [1n] },
  ],
})
const step = {
  inputs: [{ name: 'X', datatype: 'UINT8', shape: [5], data: new Uint8Array(5) }],
  expectedOutputs: null,
}

test('each request has slots of its own, with the size of an element where it has one', () => {
  const region = createRegion(config, [step, step], 2, 100)
  region.remove()
  expect(
    region.outputs.slots.map((slots) =>
      slots.map(({ name, byteSize, elementBytes }) => [name, byteSize, elementBytes]),
    ),
  ).toEqual([
    [
      ['Y', 12, 2],
      ['S', 200, null],
    ],
    [
      ['Y', 12, 2],
      ['S', 200, null],
    ],
  ])
  const offsets = region.outputs.slots.flat().map(({ offset }) => offset)
  expect(new Set(offsets).size).toBe(4)
  expect(
    region.requests.flatMap(({ outputs = [] }) => outputs.map(({ sharedMemory }) => sharedMemory?.offset)),
  ).toEqual(offsets)
})

test('more than there is of shared memory: the size, and what to change, before any of it is written', () => {
  let error: unknown
  try {
    createRegion(config, [step], 1, 2 ** 62)
  } catch (caught) {
    error = caught
  }
  const { code, message, hint } = asGateError(error)
  expect(code).toBe('environment')
  expect(message).toMatch(/bytes of shared memory cannot be had: .* bytes free/)
  expect(hint).toContain('output-shared-memory-size')
})
