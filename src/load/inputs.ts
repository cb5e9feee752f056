import type { InputSettings } from '../config/config.ts'
import { GateError, type Problem } from '../domain/error.ts'
import { DataType, type ModelConfig, type ModelInput } from '../proto/model_config_pb.js'
import { createRandom } from '../stats/random.ts'
import type { Tensor } from './request.ts'
import { datatypeName, tensorData } from './tensor-data.ts'

/** Enough different inputs that a cache in front of the model, or branch prediction, is not what is measured. */
const defaultSteps = 8

/** All steps together: what is sent again and again lies in memory here and in the load thread. */
const maxTotalBytes = 256 * 1024 * 1024

/**
 * Inputs for `count` different requests to a model (fewer, at least one, where they would take more than
 * 256 MiB). Shapes come from `config` as the server resolved it, with the batch dimension in front where
 * max_batch_size > 0; optional inputs are left out. The same seed gives the same bytes.
 *
 * @throws GateError `config` with every input that no data can be made for
 */
export function makeInputs(
  config: ModelConfig,
  settings: InputSettings,
  batchSize: number,
  count: number = defaultSteps,
): Tensor[][] {
  const problems = [...modelProblems(config, batchSize)]
  const inputs = usedInputs(config)
  const shapes = inputs.map((input) => {
    problems.push(...inputProblems(config.name, input, settings))
    return [...(config.maxBatchSize > 0 ? [batchSize] : []), ...dimensionsOf(input, settings)]
  })
  if (problems.length > 0) {
    throw new GateError('config', `cannot make requests for model '${config.name}'`, { problems })
  }

  const random = createRandom(settings.seed)
  const step = () =>
    inputs.map((input, index): Tensor => {
      const shape = shapes[index] ?? []
      const elements = shape.reduce((product, dimension) => product * dimension, 1)
      return {
        name: input.name,
        datatype: datatypeName(input.dataType) ?? '',
        shape,
        data: tensorData(input.dataType, elements, settings, random.uniform),
      }
    })
  const first = step()
  const stepBytes = first.reduce((sum, tensor) => sum + tensor.data.length, 0)
  const steps = Math.max(1, Math.min(count, Math.floor(maxTotalBytes / Math.max(1, stepBytes))))
  return [first, ...Array.from({ length: steps - 1 }, step)]
}

/** What a user should know about the made inputs, as sentences that name the key to set. */
export function inputWarnings(config: ModelConfig, settings: InputSettings): string[] {
  const indexLike = usedInputs(config).filter(
    (input) => input.dataType === DataType.TYPE_INT32 || input.dataType === DataType.TYPE_INT64,
  )
  if (settings.data === 'zero' || indexLike.length === 0) return []
  const names = indexLike.map((input) => `'${input.name}'`).join(', ')
  return [
    `model '${config.name}': integer input ${names} gets random values from 0 to 127; ` +
      'if these are token ids or indices that go less far, set `perf_analyzer_flags: {input-data: zero}`',
  ]
}

/** The required inputs; where all are optional, all: a request without any input is refused. */
function usedInputs(config: ModelConfig): ModelInput[] {
  const required = config.input.filter((input) => !input.optional)
  return required.length > 0 ? required : config.input
}

function dimensionsOf(input: ModelInput, settings: InputSettings): readonly number[] {
  return settings.shapes[input.name] ?? input.dims.map(Number)
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

function inputProblems(model: string, input: ModelInput, settings: InputSettings): Problem[] {
  const place = `model '${model}', input '${input.name}'`
  const dims = input.dims.map(Number)
  const given = settings.shapes[input.name]
  const example = dims.map((dimension) => (dimension === -1 ? '<n>' : dimension)).join(',')
  const remedy = `set \`perf_analyzer_flags: {shape: ["${input.name}:${example}"]}\` (without the batch dimension)`

  if (datatypeName(input.dataType) === null) {
    return [{ key: 'input.data_type', message: `${place}: data type ${input.dataType} is not known` }]
  }
  if (input.isShapeTensor) {
    const message = `${place}: shape tensors are not supported yet: their values must fit the other inputs`
    return [{ key: 'input.is_shape_tensor', message, remedy: `leave '${model}' out of profile_models` }]
  }
  const key = 'perf_analyzer_flags.shape'
  if (given === undefined) {
    if (!dims.includes(-1)) return []
    return [{ key, message: `${place}: dims [${dims.join(', ')}] are dynamic and no shape is given`, remedy }]
  }
  const fits =
    given.length === dims.length &&
    given.every(
      (size, axis) => Number.isSafeInteger(size) && size > 0 && (dims[axis] === -1 || dims[axis] === size),
    )
  if (fits) return []
  return [
    { key, message: `${place}: shape [${given.join(', ')}] does not fit dims [${dims.join(', ')}]`, remedy },
  ]
}
