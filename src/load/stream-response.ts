import { eachField } from './protobuf-fields.ts'

/** What the load thread reads of a ModelStreamInferResponse. */
export interface StreamResponse {
  /** ModelInferRequest.id of the request it answers; empty where the server names none. */
  readonly requestId: string
  /** Why the request failed; null for an answer. */
  readonly error: string | null
  /** `triton_final_response`: no other response to this request follows; null where the server does not say. */
  readonly final: boolean | null
  /** It has outputs. The marker that ends a decoupled request without further data has none. */
  readonly hasData: boolean
  /** The ModelInferResponse; empty where there is none. */
  readonly response: Buffer
}

const framePrefixBytes = 5

/** Puts gRPC messages together from the chunks of a stream. */
export class MessageReader {
  #chunks: Buffer[] = []
  #bytes = 0

  /** The messages that are whole with this chunk, in order. @throws RangeError for a compressed one, which nobody asked for */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const messages: Buffer[] = []
    for (;;) {
      const end = this.#nextEnd()
      if (end === null || this.#bytes < end) return messages
      const [whole = Buffer.alloc(0)] =
        this.#chunks.length === 1 ? this.#chunks : [Buffer.concat(this.#chunks)]
      messages.push(whole.subarray(framePrefixBytes, end))
      const rest = whole.subarray(end)
      this.#chunks = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
    }
  }

  /** Where the first message ends, prefix included; null before its prefix is here. */
  #nextEnd(): number | null {
    if (this.#bytes < framePrefixBytes) return null
    if ((this.#chunks[0]?.length ?? 0) < framePrefixBytes) this.#chunks = [Buffer.concat(this.#chunks)]
    const [first] = this.#chunks
    if (first === undefined) return null
    if (first[0] !== 0) throw new RangeError('a compressed message')
    return framePrefixBytes + first.readUInt32BE(1)
  }
}

/**
 * Reads id, error and final marker, without copying the outputs (grpc_service.proto: ModelStreamInferResponse,
 * ModelInferResponse, InferParameter).
 * @throws RangeError where the bytes are no such message
 */
export function readStreamResponse(message: Buffer): StreamResponse {
  let error: string | null = null
  let response: Buffer = Buffer.alloc(0)
  eachField(message, (number, value) => {
    if (number === 1 && value instanceof Buffer && value.length > 0) error = value.toString()
    else if (number === 2 && value instanceof Buffer) response = value
  })
  let requestId = ''
  let final: boolean | null = null
  let hasData = false
  eachField(response, (number, value) => {
    if (!(value instanceof Buffer)) return
    if (number === 3) requestId = value.toString()
    else if (number === 4) final = readFinal(value) ?? final
    else if (number === 5 || number === 6) hasData = true
  })
  return { requestId, error, final, hasData, response }
}

/** The value of a `triton_final_response` entry of the parameters; null for any other entry. */
function readFinal(entry: Buffer): boolean | null {
  let key = ''
  let flag = false
  eachField(entry, (number, value) => {
    if (!(value instanceof Buffer)) return
    if (number === 1) key = value.toString()
    else if (number === 2)
      eachField(value, (choice, bool) => {
        if (choice === 1) flag = bool === 1
      })
  })
  return key === 'triton_final_response' ? flag : null
}
