import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { RequestSettings } from '../config/config.ts'
import { defaultRequests } from '../config/defaults.ts'
import { asGateError } from '../domain/error.ts'
import {
  ModelSequenceBatching_Control_Kind as ControlKind,
  DataType,
  ModelConfigSchema,
} from '../proto/model_config_pb.js'
import type { Step } from './inputs.ts'
import { outputCheckOf, requestNotes, sequencePlanOf, streamingOf } from './request-plan.ts'

const config = (fields: MessageInitShape<typeof ModelConfigSchema>) =>
  create(ModelConfigSchema, { name: 'm', ...fields })
const stateful = (dataType: DataType = DataType.TYPE_UINT64) =>
  config({
    schedulingChoice: {
      case: 'sequenceBatching',
      value: {
        controlInput: [{ name: 'ID', control: [{ kind: ControlKind.CONTROL_SEQUENCE_CORRID, dataType }] }],
      },
    },
  })
const load = { mode: 'concurrency', concurrency: 8 } as const
const { sequences } = defaultRequests

test('only models with sequence batching have sequences; 20 requests, or as their input data says', () => {
  expect(sequencePlanOf(config({}), defaultRequests, load, null)).toBeUndefined()
  expect(sequencePlanOf(stateful(), defaultRequests, load, null)).toMatchObject({
    idType: 'number',
    firstId: 1,
    length: 20,
    lengthVariation: 0.2,
    live: 4,
  })
  expect(sequencePlanOf(stateful(), defaultRequests, load, [3, 4])).toMatchObject({
    length: null,
    streams: [3, 4],
  })
  const asked = { ...defaultRequests, sequences: { ...sequences, length: 7 } }
  expect(sequencePlanOf(stateful(), asked, load, [3, 4])).toMatchObject({ length: 7 })
})

test('the type of the correlation id bounds the ids', () => {
  const plan = (type: DataType) => sequencePlanOf(stateful(type), defaultRequests, load, null)
  expect(plan(DataType.TYPE_STRING)).toMatchObject({ idType: 'string' })
  expect(plan(DataType.TYPE_INT32)).toMatchObject({ idType: 'number', ids: 2 ** 31 - 2 })
})

test('batches, and more live sequences than ids, are told in one go', () => {
  const narrow = { ...defaultRequests, sequences: { ...sequences, firstId: 10, endId: 12 } }
  let problems: readonly { key?: string | undefined }[] = []
  try {
    sequencePlanOf(stateful(), narrow, { ...load, batchSize: 2 }, null)
  } catch (error) {
    problems = asGateError(error).problems
  }
  expect(problems.map(({ key }) => key)).toEqual(['batch_sizes', 'perf_analyzer_flags.sequence-id-range'])
})

test('decoupled models are streamed, asked or not, and that is said', () => {
  const decoupled = config({ modelTransactionPolicy: { decoupled: true } })
  expect(streamingOf(decoupled, defaultRequests)).toEqual({ decoupled: true })
  expect(requestNotes(decoupled, defaultRequests, false)[0]).toContain('ModelStreamInfer')
  const streaming = { ...defaultRequests, streaming: true }
  expect(requestNotes(decoupled, streaming, false)).toEqual([])
  expect(streamingOf(config({}), streaming)).toEqual({ decoupled: false })
  expect(streamingOf(config({}), defaultRequests)).toBeUndefined()
})

test('sequences that may overtake each other without streaming are said to wait', () => {
  const asked = { ...defaultRequests, sequences: { ...sequences, serialAsked: false } }
  expect(requestNotes(stateful(), asked, false)[0]).toContain('serial-sequences')
  expect(requestNotes(stateful(), defaultRequests, false)).toEqual([])
})

const known: Step = {
  inputs: [],
  expectedOutputs: [{ name: 'Y', datatype: 'FP32', shape: [1], data: new Uint8Array(4) }],
}
const unknown: Step = { inputs: [], expectedOutputs: null }
const checking = (checkOutputs: RequestSettings['checkOutputs']): RequestSettings => ({
  ...defaultRequests,
  checkOutputs,
})

test('answers are compared with validation data where there are any, or with the first where that is asked', () => {
  const { expectedOutputs } = known
  const bytesOf = (settings: RequestSettings, steps: readonly Step[]) =>
    outputCheckOf(config({}), settings, steps)?.bytes
  expect(bytesOf(defaultRequests, [known, unknown])).toEqual({
    kind: 'given',
    outputs: [expectedOutputs, null],
  })
  expect(bytesOf(defaultRequests, [unknown])).toBeUndefined()
  expect(outputCheckOf(config({}), checking('off'), [known])).toBeUndefined()
  expect(bytesOf(checking('first'), [unknown])).toEqual({ kind: 'first' })
})

test('types and shapes are those of the configuration, but for what a backend shapes by other inputs', () => {
  const output = (name: string, dims: bigint[], more = {}) => ({
    name,
    dims,
    dataType: DataType.TYPE_FP32,
    ...more,
  })
  const declared = (changes: Parameters<typeof config>[0]) =>
    outputCheckOf(config(changes), defaultRequests, [unknown])?.declared
  expect(declared({ maxBatchSize: 4, output: [output('Y', [3n])] })).toEqual({
    outputs: [{ name: 'Y', datatype: 'FP32', shape: [-1, 3] }],
    areOfFixedSize: true,
  })
  const strings = output('S', [1n], { dataType: DataType.TYPE_STRING })
  expect(declared({ output: [strings] })).toEqual({
    outputs: [{ name: 'S', datatype: 'BYTES', shape: [1] }],
    areOfFixedSize: false,
  })
  const shaped = output('T', [2n], { isShapeTensor: true })
  expect(declared({ output: [output('Y', [3n]), shaped] })).toMatchObject({
    outputs: [{ name: 'Y' }],
    areOfFixedSize: false,
  })
  expect(declared({ output: [output('Y', [3n])], batchOutput: [{ targetName: ['Y'] }] })).toBeUndefined()
  const decoupled = { modelTransactionPolicy: { decoupled: true } }
  expect(declared({ ...decoupled, output: [output('Y', [3n])] })).toBeUndefined()
})

test('sequences are compared where they are the streams of the validation data, else it is said that they are not', () => {
  expect(outputCheckOf(stateful(), defaultRequests, [known])?.bytes).toMatchObject({ kind: 'given' })
  expect(requestNotes(stateful(), defaultRequests, true)).toEqual([])
  const cut = { ...defaultRequests, sequences: { ...sequences, length: 3 } }
  for (const settings of [cut, checking('first')]) {
    expect(outputCheckOf(stateful(), settings, [known])?.bytes ?? null).toBeNull()
    expect(requestNotes(stateful(), settings, true)[0]).toContain('outputs are not checked')
  }
})
