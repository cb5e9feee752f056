import { expect, test } from 'vitest'
import { GateError, type Problem } from '../domain/error.ts'
import { modelConfigToJson, parseModelConfig } from './parse.ts'

function problemOf(text: string): Problem {
  try {
    parseModelConfig(text, 'm/config.pbtxt')
  } catch (error) {
    if (error instanceof GateError && error.code === 'config' && error.problems[0]) return error.problems[0]
    throw error
  }
  throw new Error('the text was accepted')
}

test('reads every notation of the text format', () => {
  const config = parseModelConfig(
    `# a comment with { and "
    name: 'm' "odel"; max_batch_size: 0x10,
    input < name: "x" data_type: TYPE_FP32 dims: [ - 1, 3 ] >
    parameters: { key: "k" value { string_value: "a # no comment" } }`,
    'm/config.pbtxt',
  )
  expect(config).toMatchObject({ name: 'model', maxBatchSize: 16, input: [{ name: 'x', dims: [-1n, 3n] }] })
  expect(config.parameters.k?.stringValue).toBe('a # no comment')
})

test.each([
  ['unknown field', 'name: "m"\n\nmax_batchsize: 8\n', 3, 1],
  ['unknown field in a message', 'instance_group [\n  { kind: KIND_CPU\n    number: 3 }\n]', 3, 5],
  ['unknown enum value', 'instance_group {\n  kind: KIND_TPU }', 2, 9],
  ['wrong type', 'name: "m"\nmax_batch_size: "8"', 2, 17],
  ['number out of range', 'max_batch_size: 99999999999', 1, 17],
  ['missing colon where an earlier one stands', 'instance_group [ { count: 1 },\n { count 2 } ]', 2, 10],
  ['field given twice', 'name: "m"\nbackend: "b"\nname: "n"', 3, 1],
  ['two schedulers', 'dynamic_batching { }\nsequence_batching { }', 2, 1],
  ['unterminated string', 'name: "m"\nbackend: "python\nmax_batch_size: 1', 2, 10],
  ['stray character', 'name: "m"\n  $', 2, 3],
  ['bracket never closed', 'name: "m"\ninput [ { name: "x" }\noutput { }', 3, 1],
  ['message never closed', 'name: "m"\ndynamic_batching {\n  # } in a comment\n', 2, 18],
  ['byte-order mark, which Triton refuses', '\uFEFFname: "m"', 1, 1],
])('says where: %s', (_, text, line, column) => {
  expect(problemOf(text)).toMatchObject({ file: 'm/config.pbtxt', line, column })
})

test.each([
  ['max_batchsize: 8', 'Did you mean "max_batch_size"?'],
  ['maxBatchSize: 8', 'Did you mean "max_batch_size"?'],
  ['instance_group [ { kind: KIND_CPU\n cont: 3 } ]', 'Did you mean "count"?'],
  ['dynamic_batching { prefered_batch_size: [4] }', 'Did you mean "preferred_batch_size"?'],
  ['optimization { cuda { graph: 1 } }', 'Did you mean "graphs"?'],
  ['parameters { key: "a" valu: { string_value: "x" } }', 'Did you mean "value"?'],
  ['instance_group { kind: KIND_GPUS }', 'Did you mean "KIND_GPU"?'],
  ['input { name: "x" data_type: FP32 }', 'Did you mean "TYPE_FP32"?'],
  ['input { name: "x" data_type: TYPE_FLOAT32 }', 'Did you mean "TYPE_FP32"?'],
  ['input { name: "x" data_type: float16 }', 'Did you mean "TYPE_FP16"?'],
  ['output { name: "x" data_type: TYPE_BYTES }', 'Did you mean "TYPE_STRING"?'],
  ['dynamic_batching { max_batch_size: 3 }', /^It is a field of ModelConfig: /],
  ['quantum: 3', /those of ModelConfig in Triton’s model_config\.proto/],
  ['max_batch_size: "8"', /those of ModelConfig in Triton’s model_config\.proto/],
])('says what may be meant: %s', (text, remedy) => {
  expect(problemOf(text).remedy).toEqual(typeof remedy === 'string' ? remedy : expect.stringMatching(remedy))
})

test('JSON for the load request has the field names of the .proto', () => {
  const config = parseModelConfig(
    'name: "m" max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 100 } instance_group { kind: KIND_CPU count: 2 }',
    'f',
  )
  expect(JSON.parse(modelConfigToJson(config))).toEqual({
    name: 'm',
    max_batch_size: 4,
    dynamic_batching: { max_queue_delay_microseconds: '100' },
    instance_group: [{ kind: 'KIND_CPU', count: 2 }],
  })
})
