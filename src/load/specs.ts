import type { InputSettings, InputSource } from '../config/config.ts'
import type { Problem } from '../domain/error.ts'
import type { DataType, ModelConfig } from '../proto/model_config_pb.js'
import { datatypeOf } from './datatypes.ts'
import type { TensorSpec } from './encode-given.ts'

/** An input of the model with what the settings say of it. */
export interface ModelInputSpec {
  readonly spec: Omit<TensorSpec, 'datatype'>
  readonly dataType: DataType
  readonly optional: boolean
  /** Its elements are the shape of another tensor: it has no batch dimension. */
  readonly isShapeTensor: boolean
  readonly source: InputSource | null
  /** Whether made requests carry it: required ones do, those with a source, and all where there would be none. */
  readonly isSent: boolean
}

export function inputsOf(config: ModelConfig, settings: InputSettings): ModelInputSpec[] {
  const inputs = config.input.map((input) => {
    const source = ownValue(settings.sources, input.name)
    return {
      spec: {
        name: input.name,
        dims: input.dims.map(Number),
        givenShape: ownValue(settings.shapes, input.name),
      },
      dataType: input.dataType,
      optional: input.optional,
      isShapeTensor: input.isShapeTensor,
      source,
      isSent: !input.optional || source !== null,
    }
  })
  return inputs.some(({ isSent }) => isSent) ? inputs : inputs.map((input) => ({ ...input, isSent: true }))
}

/** Settings for inputs that the model does not have: most likely misspelt, and without effect. */
export function unknownInputProblems(config: ModelConfig, settings: InputSettings): Problem[] {
  const known = config.input.map(({ name }) => name)
  const remedy = `The inputs of '${config.name}' are: ${known.join(', ')}.`
  return Object.keys(settings.sources)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      key: `gate.inputs.${config.name}.${name}`,
      message: `the model has no input '${name}'`,
      remedy,
    }))
}

/** An output's datatype and dims; null where the model has no such output, or one of an unknown datatype. */
export function outputSpec(config: ModelConfig, name: string): TensorSpec | null {
  const output = config.output.find((each) => each.name === name)
  const datatype = output === undefined ? null : datatypeOf(output.dataType)
  if (output === undefined || datatype === null) return null
  return { name, datatype, dims: output.dims.map(Number), givenShape: null }
}

/** Names of inputs come from models: `constructor` is one as any other. */
function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | null {
  return Object.hasOwn(record, name) ? (record[name] ?? null) : null
}
