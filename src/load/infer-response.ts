import { eachField, packedVarints } from './protobuf-fields.ts'

/** An output as it came. */
export interface AnsweredOutput {
  readonly name: string
  /** Triton's name of the type without the prefix. */
  readonly datatype: string
  readonly shape: readonly number[]
  /** As Tensor.data; null where the answer does not carry it as raw bytes. */
  readonly data: Buffer | null
}

/**
 * The outputs of a ModelInferResponse (grpc_service.proto), without copying them.
 * @throws RangeError where the bytes are no such message
 */
export function readOutputs(message: Buffer): AnsweredOutput[] {
  const outputs: Omit<AnsweredOutput, 'data'>[] = []
  const raw: Buffer[] = []
  eachField(message, (number, value) => {
    if (!(value instanceof Buffer)) return
    if (number === 5) outputs.push(readOutput(value))
    else if (number === 6) raw.push(value)
  })
  return outputs.map((output, index) => ({ ...output, data: raw[index] ?? null }))
}

/** Name, type and shape of an InferOutputTensor. */
function readOutput(message: Buffer): Omit<AnsweredOutput, 'data'> {
  let name = ''
  let datatype = ''
  const shape: number[] = []
  eachField(message, (number, value) => {
    if (number === 1 && value instanceof Buffer) name = value.toString()
    else if (number === 2 && value instanceof Buffer) datatype = value.toString()
    else if (number === 3 && value instanceof Buffer) shape.push(...packedVarints(value))
    else if (number === 3 && typeof value === 'number') shape.push(value)
  })
  return { name, datatype, shape }
}
