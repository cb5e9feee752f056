import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { madeInputs } from '../../test/support/input-data.ts'
import type { InputSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { DataType, type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { inputWarnings, makeSteps } from './inputs.ts'

const settings: InputSettings = { ...madeInputs().settings, seed: 7 }

const makeInputs = (model: ModelConfig, made: InputSettings, batchSize: number, count?: number) =>
  makeSteps(model, madeInputs(made), batchSize, count).map(({ inputs }) => inputs)

type ConfigInit = NonNullable<Parameters<typeof create<typeof ModelConfigSchema>>[1]>
function config(init: ConfigInit): ModelConfig {
  return create(ModelConfigSchema, { name: 'm', ...init })
}

/** Bytes per element and the bits of any NaN or infinity, by Triton's data types. */
const numeric: readonly [DataType, string, number][] = [
  [DataType.TYPE_BOOL, 'BOOL', 1],
  [DataType.TYPE_UINT8, 'UINT8', 1],
  [DataType.TYPE_UINT16, 'UINT16', 2],
  [DataType.TYPE_UINT32, 'UINT32', 4],
  [DataType.TYPE_UINT64, 'UINT64', 8],
  [DataType.TYPE_INT8, 'INT8', 1],
  [DataType.TYPE_INT16, 'INT16', 2],
  [DataType.TYPE_INT32, 'INT32', 4],
  [DataType.TYPE_INT64, 'INT64', 8],
  [DataType.TYPE_FP16, 'FP16', 2],
  [DataType.TYPE_FP32, 'FP32', 4],
  [DataType.TYPE_FP64, 'FP64', 8],
  [DataType.TYPE_BF16, 'BF16', 2],
]

/** The numbers in a tensor's bytes, read by other means than they were written. */
function values(datatype: string, data: Uint8Array): number[] {
  const buffer = Buffer.from(data)
  const half = (bits: number) => {
    const exponent = (bits >> 10) & 31
    const fraction = (bits & 1023) / 1024
    const size =
      exponent === 0
        ? fraction * 2 ** -14
        : exponent === 31
          ? Infinity
          : (1 + fraction) * 2 ** (exponent - 15)
    return bits & 0x8000 ? -size : size
  }
  const brain = (bits: number) => {
    const single = Buffer.alloc(4)
    single.writeUInt32LE(bits * 65_536)
    return single.readFloatLE()
  }
  const readers: Record<string, [number, (offset: number) => number]> = {
    BOOL: [1, (o) => buffer.readUInt8(o)],
    UINT8: [1, (o) => buffer.readUInt8(o)],
    UINT16: [2, (o) => buffer.readUInt16LE(o)],
    UINT32: [4, (o) => buffer.readUInt32LE(o)],
    UINT64: [8, (o) => Number(buffer.readBigUInt64LE(o))],
    INT8: [1, (o) => buffer.readInt8(o)],
    INT16: [2, (o) => buffer.readInt16LE(o)],
    INT32: [4, (o) => buffer.readInt32LE(o)],
    INT64: [8, (o) => Number(buffer.readBigInt64LE(o))],
    FP16: [2, (o) => half(buffer.readUInt16LE(o))],
    FP32: [4, (o) => buffer.readFloatLE(o)],
    FP64: [8, (o) => buffer.readDoubleLE(o)],
    BF16: [2, (o) => brain(buffer.readUInt16LE(o))],
  }
  const [bytes, read] = readers[datatype] ?? [1, () => Number.NaN]
  return Array.from({ length: data.length / bytes }, (_, index) => read(index * bytes))
}

test('every numeric type: as many bytes as shape × size, finite and in the documented range', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...numeric),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 4 }),
      fc.nat(),
      ([dataType, name, bytes], dims, maxBatchSize, seed) => {
        const model = config({ maxBatchSize, input: [{ name: 'x', dataType, dims: dims.map(BigInt) }] })
        const batch = Math.max(1, maxBatchSize)
        const steps = makeInputs(model, { ...settings, seed }, batch, 3)
        expect(steps.length).toBe(3)
        for (const [tensor] of steps) {
          if (tensor === undefined) throw new Error('no tensor')
          expect(tensor.datatype).toBe(name)
          expect(tensor.shape).toEqual(maxBatchSize > 0 ? [batch, ...dims] : dims)
          expect(tensor.data.length).toBe(tensor.shape.reduce((a, b) => a * b, 1) * bytes)
          const most = name === 'UINT8' ? 255 : name.includes('INT') ? 127 : 1
          for (const value of values(name, tensor.data)) {
            expect(value).toBeGreaterThanOrEqual(0)
            expect(value).toBeLessThanOrEqual(most)
          }
        }
      },
    ),
  )
})

test.each(numeric)('values of type %i (%s) spread over their range, and steps differ', (dataType, name) => {
  const model = config({ input: [{ name: 'x', dataType, dims: [1000n] }] })
  const [a, b] = makeInputs(model, settings, 1, 2)
  expect(a?.[0]?.data).not.toEqual(b?.[0]?.data)
  const all = values(name, a?.[0]?.data ?? new Uint8Array())
  const top = name === 'UINT8' ? 255 : name.includes('INT') ? 127 : 1
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length
  expect(mean / top).toBeGreaterThan(0.4)
  expect(mean / top).toBeLessThan(0.6)
})

test('the same seed gives the same bytes, another seed others; zero data is zero', () => {
  const model = config({ input: [{ name: 'x', dataType: DataType.TYPE_FP32, dims: [16n] }] })
  expect(makeInputs(model, settings, 1)).toEqual(makeInputs(model, settings, 1))
  expect(makeInputs(model, settings, 1)).toHaveLength(8)
  expect(makeInputs(model, settings, 1)).not.toEqual(makeInputs(model, { ...settings, seed: 8 }, 1))
  const zero = makeInputs(model, { ...settings, data: 'zero' }, 1, 2)
  expect(zero.flat().every(({ data }) => data.length === 64 && data.every((byte) => byte === 0))).toBe(true)
})

function strings(data: Uint8Array): string[] {
  const found: string[] = []
  for (let offset = 0; offset < data.length; ) {
    const length = Buffer.from(data).readUInt32LE(offset)
    found.push(Buffer.from(data.subarray(offset + 4, offset + 4 + length)).toString())
    offset += 4 + length
  }
  return found
}

test('strings are length-prefixed: random letters, the given text in UTF-8, or empty for zero data', () => {
  const model = config({
    maxBatchSize: 4,
    input: [{ name: 's', dataType: DataType.TYPE_STRING, dims: [2n] }],
  })
  const made = (changes: Partial<InputSettings>) => {
    const [tensor] = makeInputs(model, { ...settings, ...changes }, 2, 1)[0] ?? []
    expect(tensor).toMatchObject({ datatype: 'BYTES', shape: [2, 2] })
    return strings(tensor?.data ?? new Uint8Array())
  }
  const random = made({})
  expect(random).toHaveLength(4)
  for (const text of random) expect(text).toMatch(/^[a-z]{8}$/)
  expect(made({ stringData: 'größe' })).toEqual(['größe', 'größe', 'größe', 'größe'])
  expect(made({ data: 'zero' })).toEqual(['', '', '', ''])
})

test('dynamic dims take the given shape; optional inputs are left out unless all are', () => {
  const input = [
    { name: 'ids', dataType: DataType.TYPE_INT64, dims: [-1n, 3n] },
    { name: 'bias', dataType: DataType.TYPE_FP32, dims: [-1n], optional: true },
  ]
  const shapes = { ids: [5, 3], bias: [2] }
  const [step] = makeInputs(config({ maxBatchSize: 8, input }), { ...settings, shapes }, 2, 1)
  expect(step?.map(({ name, shape }) => ({ name, shape }))).toEqual([{ name: 'ids', shape: [2, 5, 3] }])
  const optional = input.map((each) => ({ ...each, optional: true }))
  const [all] = makeInputs(config({ input: optional }), { ...settings, shapes }, 1, 1)
  expect(all?.map(({ name }) => name)).toEqual(['ids', 'bias'])
})

test('steps that would fill the memory are fewer', () => {
  const model = config({
    input: [{ name: 'x', dataType: DataType.TYPE_UINT8, dims: [100n * 1024n * 1024n] }],
  })
  expect(makeInputs(model, { ...settings, data: 'zero' }, 1)).toHaveLength(2)
})

function problemsOf(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (error instanceof GateError && error.code === 'config') return error.problems
    throw error
  }
  throw new Error('nothing was thrown')
}

test('all that is wrong is said at once, with model, input and the key to set', () => {
  const model = config({
    input: [
      { name: 'ids', dataType: DataType.TYPE_INT64, dims: [-1n, 3n] },
      { name: 'mask', dataType: DataType.TYPE_BOOL, dims: [-1n, 3n] },
      { name: 'sizes', dataType: DataType.TYPE_INT32, dims: [2n], isShapeTensor: true },
      { name: 'what', dataType: DataType.TYPE_INVALID, dims: [2n] },
    ],
  })
  const problems = problemsOf(() => makeInputs(model, { ...settings, shapes: { mask: [4, 2] } }, 2))
  expect(problems.map(({ message }) => message)).toEqual([
    "a request of batch size 2 is beyond the model's max_batch_size 0",
    "model 'm', input 'ids': dims [-1, 3] are dynamic and no shape is given",
    "model 'm', input 'mask': shape [4, 2] does not fit dims [-1, 3]",
    "model 'm', input 'sizes': the values of a shape tensor must fit the other inputs and cannot be made up",
    "model 'm', input 'what': data type 0 is not known",
  ])
  expect(problems[1]?.remedy).toContain('perf_analyzer_flags: {shape: ["ids:<n>,3"]}')
})

test('a model without inputs is refused', () => {
  expect(problemsOf(() => makeInputs(config({}), settings, 1))[0]?.message).toBe('the model has no inputs')
})

test('random integers that may be token ids are pointed out with the key to set', () => {
  const model = config({
    input: [
      { name: 'ids', dataType: DataType.TYPE_INT64, dims: [1n] },
      { name: 'pixels', dataType: DataType.TYPE_UINT8, dims: [1n] },
    ],
  })
  expect(inputWarnings(model, madeInputs())).toEqual([
    expect.stringMatching(
      /'ids' gets.*0 to 127.*gate: {inputs: {m: {ids: {range: \[0, <highest>\]}}}}.*input-data: <file>/,
    ),
  ])
  expect(inputWarnings(model, madeInputs({ data: 'zero' }))).toEqual([])
})
