import { create, toBinary } from '@bufbuild/protobuf'
import { ModelInferRequestSchema } from '../proto/grpc_service_pb.js'

/** An input of one request as it goes over the wire. */
export interface Tensor {
  readonly name: string
  /** Triton's name of the type without the prefix: `FP32`, `BYTES`. */
  readonly datatype: string
  /** With the batch dimension where the model has one. */
  readonly shape: readonly number[]
  /** Little-endian, row-major; each BYTES element is a 4-byte length and its bytes. */
  readonly data: Uint8Array
}

/** A place in a region that is registered with the server. */
interface SharedPlace {
  readonly region: string
  readonly offset: number
  readonly byteSize: number
}

/** An input that lies in shared memory. */
interface SharedTensor extends Omit<Tensor, 'data'> {
  readonly sharedMemory: SharedPlace
}

export interface InferRequest {
  readonly model: string
  readonly version?: string
  readonly inputs: readonly (Tensor | SharedTensor)[]
  /** The outputs to return, and where those go that the answer is not to carry; every output where left out. */
  readonly outputs?: readonly { readonly name: string; readonly sharedMemory?: SharedPlace }[]
}

/** gRPC puts one byte (0 = not compressed) and the message's length before each message. */
const framePrefixBytes = 5

/** A whole gRPC frame with one ModelInferRequest, so that nothing is left to encode per request. */
export function encodeInferRequest(request: InferRequest): Uint8Array {
  const message = toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: request.model,
      modelVersion: request.version ?? '',
      inputs: request.inputs.map((input) => ({
        name: input.name,
        datatype: input.datatype,
        shape: input.shape.map(BigInt),
        parameters: 'data' in input ? {} : parametersOf(input.sharedMemory),
      })),
      outputs: (request.outputs ?? []).map(({ name, sharedMemory }) => ({
        name,
        parameters: sharedMemory === undefined ? {} : parametersOf(sharedMemory),
      })),
      rawInputContents: request.inputs.flatMap((input) => ('data' in input ? [input.data] : [])),
    }),
  )
  const frame = new Uint8Array(framePrefixBytes + message.length)
  new DataView(frame.buffer).setUint32(1, message.length)
  frame.set(message, framePrefixBytes)
  return frame
}

/** The protocol's words for tensors in shared memory. */
function parametersOf({ region, offset, byteSize }: SharedPlace) {
  const integer = (value: number) => ({
    parameterChoice: { case: 'int64Param' as const, value: BigInt(value) },
  })
  return {
    shared_memory_region: { parameterChoice: { case: 'stringParam' as const, value: region } },
    shared_memory_byte_size: integer(byteSize),
    ...(offset === 0 ? {} : { shared_memory_offset: integer(offset) }),
  }
}
