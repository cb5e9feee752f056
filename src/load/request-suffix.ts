/** What a request says of the sequence it belongs to. */
interface SequenceFlags {
  /** A number is sent as Triton's unsigned 64-bit correlation id, a string as its string one. */
  readonly id: number | string
  readonly start: boolean
  readonly end: boolean
}

interface SuffixFields {
  /** ModelInferRequest.id, which Triton repeats in each response. */
  readonly requestId?: string
  readonly sequence?: SequenceFlags
  /** Asks a decoupled model's last response to come also where it is empty: without it nothing tells that a request is over. */
  readonly emptyFinalResponse?: boolean
}

/** Field numbers and wire types of ModelInferRequest and InferParameter (grpc_service.proto). */
const tags = { id: 0x1a, parameters: 0x22, key: 0x0a, value: 0x12, bool: 0x08, int64: 0x10, string: 0x1a }

const framePrefixBytes = 5

/**
 * The fields in which one request differs from the next with the same inputs. The fields of a protobuf message may come
 * in any order, so they are put after a message that was encoded once; the load thread needs no protobuf for it.
 */
export function encodeSuffix({ requestId, sequence, emptyFinalResponse }: SuffixFields): Buffer {
  const bytes: number[] = []
  if (requestId !== undefined) pushText(bytes, tags.id, requestId)
  if (sequence !== undefined) {
    pushParameter(bytes, 'sequence_id', sequence.id)
    if (sequence.start) pushParameter(bytes, 'sequence_start', true)
    if (sequence.end) pushParameter(bytes, 'sequence_end', true)
  }
  if (emptyFinalResponse === true) pushParameter(bytes, 'triton_enable_empty_final_response', true)
  return Buffer.from(bytes)
}

/**
 * One gRPC frame of an encoded request and its suffix. A copy, since the frame without suffix is shared by all requests
 * that are on their way: the kernel copies as much again.
 */
export function withSuffix(frame: Uint8Array, suffix: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(frame.length + suffix.length)
  whole.set(frame)
  whole.set(suffix, frame.length)
  whole.writeUInt32BE(whole.length - framePrefixBytes, 1)
  return whole
}

function pushParameter(bytes: number[], name: string, value: boolean | number | string): void {
  const entry: number[] = []
  pushText(entry, tags.key, name)
  const choice: number[] = []
  if (typeof value === 'string') pushText(choice, tags.string, value)
  else if (typeof value === 'boolean') choice.push(tags.bool, value ? 1 : 0)
  else {
    choice.push(tags.int64)
    pushVarint(choice, value)
  }
  entry.push(tags.value)
  pushVarint(entry, choice.length)
  for (const byte of choice) entry.push(byte)
  bytes.push(tags.parameters)
  pushVarint(bytes, entry.length)
  for (const byte of entry) bytes.push(byte)
}

function pushText(bytes: number[], tag: number, text: string): void {
  const encoded = Buffer.from(text)
  bytes.push(tag)
  pushVarint(bytes, encoded.length)
  for (const byte of encoded) bytes.push(byte)
}

/** A non-negative safe integer. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
}
