import { GateError, type Problem } from '../domain/error.ts'
import { DataType, type ModelConfig } from '../proto/model_config_pb.js'
import { inBatches, rowBytes } from './batches.ts'
import { boundProblems, maxDataBytes } from './limits.ts'
import type { InputData } from './read-inputs.ts'
import type { Tensor } from './request.ts'
import { rowsOf } from './rows.ts'
import { inputsOf } from './specs.ts'

/** Enough different requests that a cache in front of the model, or branch prediction, is not what is measured. */
const defaultSteps = 8

/** What one request carries, and what its answer must be. */
export interface Step {
  readonly inputs: readonly Tensor[]
  /** Outputs that are known, byte for byte; null where nothing is known of the answer. */
  readonly expectedOutputs: readonly Tensor[] | null
}

/**
 * The different requests to a model, to be sent in turn. Where the data are given, request i holds the inferences
 * i·b … i·b + b − 1 of them, around their end (perf_analyzer's order), and there are as many requests as it takes to
 * come round; made data give `count` requests, fewer where they would take more than 256 MiB. Shapes come from `config`
 * as the server resolved it, with the batch dimension in front where max_batch_size > 0; optional inputs are left out
 * unless there is data for them. The same data and seed give the same bytes.
 *
 * @throws GateError `config` with everything that is wrong with the data
 */
export function makeSteps(
  config: ModelConfig,
  data: InputData,
  batchSize: number,
  count: number = defaultSteps,
): [Step, ...Step[]] {
  const problems = modelProblems(config, batchSize)
  const streams = rowsOf(config, data, count * batchSize, problems)
  throwIfAny(config, problems)
  const rows = streams.flat()
  const requests = data.given === null ? count : rows.length / commonDivisor(rows.length, batchSize)
  const bytes = rows.reduce((sum, row) => sum + rowBytes(row), 0) / Math.max(1, rows.length)
  const fitting = Math.floor(maxDataBytes / Math.max(1, bytes * batchSize))
  if (data.given !== null && requests > Math.max(1, fitting)) {
    problems.push({
      file: data.settings.files[0],
      message: `${requests} different requests of batch size ${batchSize} take more than ${maxDataBytes} bytes`,
      remedy: 'Give fewer steps, or a number of steps that the batch size divides.',
    })
  }
  const steps = inBatches(config, rows, batchSize, Math.min(requests, Math.max(1, fitting)), problems)
  throwIfAny(config, problems)
  const [first, ...others] = steps
  if (first === undefined) throw new GateError('internal', 'no request was made')
  return [first, ...others]
}

/** Steps of each sequence of the data, which follow each other in what makeSteps gives for batch size 1; null where they are none. */
export function streamLengths({ given }: InputData): readonly number[] | null {
  return given?.areSequences === true ? given.streams.map((stream) => stream.length) : null
}

/** Whether the data say of any answer what it must be. */
export function hasValidationData({ given }: InputData, config: ModelConfig): boolean {
  const isOutput = (name: string) => config.output.some((output) => output.name === name)
  return (given?.streams ?? [])
    .flat()
    .some(({ inputs, outputs, isFolder }) =>
      isFolder ? [...inputs.keys()].some(isOutput) : outputs !== null && outputs.size > 0,
    )
}

/** What is wrong with the data for a model whose `config` declares its inputs, before any server is asked. */
export function dataProblems(config: ModelConfig, data: InputData): readonly Problem[] {
  const problems: Problem[] = []
  rowsOf(config, data, 1, problems)
  return boundProblems(problems)
}

/** What a user should know about made data, as sentences that name the key to set. */
export function inputWarnings(config: ModelConfig, { settings, given }: InputData): string[] {
  if (settings.data !== 'random' || given !== null) return []
  const indexLike = inputsOf(config, settings).filter(
    ({ dataType, isSent, source }) =>
      isSent && source === null && (dataType === DataType.TYPE_INT32 || dataType === DataType.TYPE_INT64),
  )
  const [first] = indexLike
  if (first === undefined) return []
  const names = indexLike.map(({ spec }) => `'${spec.name}'`).join(', ')
  return [
    `model '${config.name}': integer input ${names} gets random values from 0 to 127; if these are token ids or ` +
      `indices that go less far or mean something, set \`gate: {inputs: {${config.name}: {${first.spec.name}: ` +
      '{range: [0, <highest>]}}}}` or `perf_analyzer_flags: {input-data: <file>}`',
  ]
}

/** What to say where a model refuses every request with made data; null where the user gave all of it. */
export function inputAdvice(config: ModelConfig, { settings, given }: InputData): string | null {
  const made = inputsOf(config, settings).filter(({ isSent, source }) => isSent && source === null)
  if (given !== null || made.length === 0) return null
  const names = made.map(({ spec }) => `'${spec.name}'`).join(', ')
  return (
    `every request failed, and the values of input ${names} were made up (${settings.data}): if the model needs ` +
    `others, set gate.inputs.${config.name}.<input> to {range: […]}, {constant: …} or {file: …}, or ` +
    'perf_analyzer_flags.input-data to a file'
  )
}

function throwIfAny(config: ModelConfig, problems: readonly Problem[]): void {
  if (problems.length === 0) return
  throw new GateError('config', `cannot make requests for model '${config.name}'`, {
    problems: boundProblems(problems),
  })
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}

function modelProblems(config: ModelConfig, batchSize: number): Problem[] {
  const problems: Problem[] = []
  if (config.input.length === 0) {
    problems.push({
      key: 'input',
      message: 'the model has no inputs',
      remedy: 'declare them in config.pbtxt',
    })
  }
  if (batchSize > Math.max(1, config.maxBatchSize)) {
    problems.push({
      key: 'batch_sizes',
      message: `a request of batch size ${batchSize} is beyond the model's max_batch_size ${config.maxBatchSize}`,
      remedy: 'lower batch_sizes, or raise max_batch_size in config.pbtxt',
    })
  }
  return problems
}
