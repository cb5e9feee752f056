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

export interface InferRequest {
  readonly model: string
  readonly version?: string
  readonly inputs: readonly Tensor[]
  /** Names of the outputs to return; every output where left out. */
  readonly outputs?: readonly string[]
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
      inputs: request.inputs.map(({ name, datatype, shape }) => ({
        name,
        datatype,
        shape: shape.map(BigInt),
      })),
      outputs: (request.outputs ?? []).map((name) => ({ name })),
      rawInputContents: request.inputs.map((input) => input.data),
    }),
  )
  const frame = new Uint8Array(framePrefixBytes + message.length)
  new DataView(frame.buffer).setUint32(1, message.length)
  frame.set(message, framePrefixBytes)
  return frame
}
