import { createHash } from 'node:crypto'
import type { Problem } from '../domain/error.ts'
import type { ModelConfig } from '../proto/model_config_pb.js'
import { createRandom, type Random } from '../stats/random.ts'
import { datatypeOf } from './datatypes.ts'
import { encodeGiven, product, type RowTensor, shapeFor, type TensorSpec } from './encode-given.ts'
import type { GivenStep } from './given-data.ts'
import { maxDataBytes } from './limits.ts'
import { madeData, randomData } from './made-data.ts'
import type { InputData } from './read-inputs.ts'
import { inputsOf, type ModelInputSpec, outputSpec, unknownInputProblems } from './specs.ts'
import { elementOf } from './values.ts'

/** One inference: its tensors by name, without the batch dimension. */
export interface Row {
  readonly inputs: ReadonlyMap<string, RowTensor>
  /** null where nothing is known of the answer. */
  readonly outputs: ReadonlyMap<string, RowTensor> | null
}

/** Gives the tensor of the next inference; null where its data have a problem, which has been told. */
type Maker = () => RowTensor | null

interface PreparedInput extends ModelInputSpec {
  readonly tensor: TensorSpec
  /** null where the data have to be in the files. */
  readonly make: Maker | null
}

/**
 * The inferences of each stream: those of the files, or `count` made ones (fewer, at least one, where they would take
 * more than 256 MiB) as a single stream. What is wrong with the data goes to `problems`.
 */
export function rowsOf(config: ModelConfig, data: InputData, count: number, problems: Problem[]): Row[][] {
  problems.push(...unknownInputProblems(config, data.settings))
  const inputs = inputsOf(config, data.settings).flatMap(
    (input) => prepare(config.name, input, data, problems) ?? [],
  )
  if (data.given !== null) {
    return data.given.streams.map((stream) => stream.map((step) => givenRow(config, inputs, step, problems)))
  }
  const row = (): Row => ({
    inputs: new Map(
      inputs.flatMap(({ tensor, make }) => {
        const made = make?.() ?? null
        return made === null ? [] : [[tensor.name, made] as const]
      }),
    ),
    outputs: null,
  })
  if (problems.length > 0) return []
  const first = row()
  const bytes = [...first.inputs.values()].reduce((sum, tensor) => sum + tensor.data.length, 0)
  const rows = Math.max(1, Math.min(count, Math.floor(maxDataBytes / Math.max(1, bytes))))
  return [[first, ...Array.from({ length: rows - 1 }, row)]]
}

function prepare(
  model: string,
  input: ModelInputSpec,
  data: InputData,
  problems: Problem[],
): PreparedInput | null {
  const { name } = input.spec
  const datatype = datatypeOf(input.dataType)
  if (datatype === null) {
    const message = `model '${model}', input '${name}': data type ${input.dataType} is not known`
    problems.push({ key: 'input.data_type', message })
    return null
  }
  const tensor: TensorSpec = { ...input.spec, datatype }
  const random = createRandom(seedOf(data.settings.seed, name))
  if (input.source !== null) {
    return { ...input, tensor, make: sourceMaker(tensor, input.source, { model, data, random, problems }) }
  }
  if (data.given !== null) return { ...input, tensor, make: null }
  if (!input.isSent) return { ...input, tensor, make: null }
  if (input.isShapeTensor) {
    problems.push({
      key: `gate.inputs.${model}.${name}`,
      message: `model '${model}', input '${name}': the values of a shape tensor must fit the other inputs and cannot be made up`,
      remedy: `set \`gate: {inputs: {${model}: {${name}: {values: [<sizes>]}}}}\``,
    })
    return null
  }
  const shape = madeShape(model, tensor, problems)
  return shape === null
    ? null
    : {
        ...input,
        tensor,
        make: () => ({ shape, data: madeData(datatype, product(shape), data.settings, random) }),
      }
}

/** The shape of an input whose elements are not given. */
function madeShape(model: string, tensor: TensorSpec, problems: Problem[]): readonly number[] | null {
  const shape = shapeFor(tensor, null, null)
  if (typeof shape !== 'string') return shape
  const example = tensor.dims.map((size) => (size === -1 ? '<n>' : size)).join(',')
  problems.push({
    key: 'perf_analyzer_flags.shape',
    message: `model '${model}', input '${tensor.name}': ${shape}`,
    remedy: `set \`perf_analyzer_flags: {shape: ["${tensor.name}:${example}"]}\` (without the batch dimension)`,
  })
  return null
}

/** What values are made with, and where what is wrong with them goes. */
interface Making {
  readonly model: string
  readonly data: InputData
  readonly random: Random
  readonly problems: Problem[]
}

/** Of an input whose source is configured. */
function sourceMaker(
  tensor: TensorSpec,
  source: NonNullable<ModelInputSpec['source']>,
  { model, data, random, problems }: Making,
): Maker {
  const { datatype } = tensor
  const key = `gate.inputs.${model}.${tensor.name}`
  const none: Maker = () => null
  const tell = (message: string, remedy: string): Maker => {
    problems.push({ key, message, remedy })
    return none
  }
  const always = (row: RowTensor | null): Maker => (row === null ? none : () => row)
  const file = data.sourceFiles.get(tensor.name)
  if (file !== undefined) return always(encodeGiven(tensor, { ...file, key }, problems))
  if (source.kind === 'values') {
    const content = { kind: 'values', values: source.values } as const
    return always(encodeGiven(tensor, { file: '', key, shape: null, content }, problems))
  }
  if (source.kind === 'constant') {
    const shape = madeShape(model, tensor, problems)
    if (shape === null) return none
    const values = Array.from({ length: product(shape) }, () => source.value)
    const content = { kind: 'values', values } as const
    return always(encodeGiven(tensor, { file: '', key, shape, content }, problems))
  }
  if (source.kind !== 'range') return none
  if (datatype.kind === 'bytes' || datatype.kind === 'bool')
    return tell(`a range of ${datatype.name} has no meaning`, 'Use constant, values or file.')
  const wrong = [source.min, source.max].map((end) => elementOf(datatype, end)).find(isText)
  if (wrong !== undefined) return tell(wrong, `Both ends have to be ${datatype.name}.`)
  const shape = madeShape(model, tensor, problems)
  return shape === null ? none : () => ({ shape, data: randomData(datatype, product(shape), source, random) })
}

const isText = (value: unknown): value is string => typeof value === 'string'

function givenRow(
  config: ModelConfig,
  inputs: readonly PreparedInput[],
  step: GivenStep,
  problems: Problem[],
): Row {
  const place = { file: step.file, key: step.key }
  const tensors = new Map<string, RowTensor>()
  const known = config.input.map(({ name }) => name)
  const outputs = config.output.map(({ name }) => name)
  for (const name of step.inputs.keys()) {
    if (known.includes(name) || (step.isFolder && outputs.includes(name))) continue
    const message = `the model has no input '${name}'`
    problems.push({ ...place, message, remedy: `The inputs of '${config.name}' are: ${known.join(', ')}.` })
  }
  for (const { tensor, make, optional, source } of inputs) {
    const given = step.inputs.get(tensor.name)
    if (given !== undefined && source !== null) {
      const message = `input '${tensor.name}' has data here and under gate.inputs`
      problems.push({ ...place, message, remedy: 'Remove the one or the other.' })
      continue
    }
    if (given === undefined && source === null && !optional) {
      const remedy = `Add it, or set gate.inputs.${config.name}.${tensor.name}.`
      problems.push({ ...place, message: `input '${tensor.name}' is missing`, remedy })
      continue
    }
    const made = given === undefined ? (make?.() ?? null) : encodeGiven(tensor, given, problems)
    if (made !== null) tensors.set(tensor.name, made)
  }
  const expected = step.isFolder
    ? new Map([...step.inputs].filter(([name]) => outputs.includes(name) && !known.includes(name)))
    : step.outputs
  return {
    inputs: tensors,
    outputs: expected === null || expected.size === 0 ? null : expectedRow(config, expected, place, problems),
  }
}

function expectedRow(
  config: ModelConfig,
  expected: NonNullable<GivenStep['outputs']>,
  place: Pick<Problem, 'file' | 'key'>,
  problems: Problem[],
): ReadonlyMap<string, RowTensor> {
  const tensors = new Map<string, RowTensor>()
  for (const [name, given] of expected) {
    const spec = outputSpec(config, name)
    if (spec === null) {
      const names = config.output.map((output) => output.name).join(', ')
      const remedy = `The outputs of '${config.name}' are: ${names}.`
      problems.push({ ...place, key: given.key, message: `the model has no output '${name}'`, remedy })
      continue
    }
    const tensor = encodeGiven(spec, given, problems)
    if (tensor !== null) tensors.set(name, tensor)
  }
  return tensors
}

/** A seed for each input, so that one more input changes nothing of the others. */
function seedOf(seed: number, name: string): number {
  return createHash('sha256').update(`${seed}/${name}`).digest().readUIntBE(0, 6)
}
