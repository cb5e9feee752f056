import type { Tensor } from '../../src/load/request.ts'
import type { TritonClient } from '../../src/triton/client.ts'

/** One inference; gives the raw bytes of each output by name. */
export async function infer(
  client: TritonClient,
  model: string,
  inputs: readonly Tensor[],
): Promise<ReadonlyMap<string, Buffer>> {
  const { outputs, rawOutputContents } = await client.infer({
    modelName: model,
    inputs: inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(BigInt) })),
    rawInputContents: inputs.map(({ data }) => data),
  })
  return new Map(outputs.map(({ name }, index) => [name, Buffer.from(rawOutputContents[index] ?? [])]))
}

export function uint8(name: string, shape: readonly number[], data: Uint8Array): Tensor {
  return { name, datatype: 'UINT8', shape, data }
}

export function fp32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) }
}

export function int32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'INT32', shape, data: new Uint8Array(Int32Array.from(values).buffer) }
}

export function readFp32(bytes: Buffer | undefined): readonly number[] {
  return [...new Float32Array(copyOf(bytes))]
}

export function readInt32(bytes: Buffer | undefined): readonly number[] {
  return [...new Int32Array(copyOf(bytes))]
}

/** A typed array needs memory of its own alignment, which a slice of a message has not. */
function copyOf(bytes: Buffer | undefined): ArrayBuffer {
  if (bytes === undefined) throw new Error('the response lacks this output')
  return Uint8Array.from(bytes).buffer
}

/** BYTES: each element is its length in 4 bytes, then UTF-8. */
export function readTexts(bytes: Buffer | undefined): readonly string[] {
  if (bytes === undefined) throw new Error('the response lacks this output')
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    texts.push(bytes.toString('utf8', at + 4, end))
    at = end
  }
  return texts
}
