import { type AnsweredOutput, readOutputs } from './infer-response.ts'
import type { DeclaredOutputs, ExpectedOutput, OutputCheck } from './protocol.ts'
import { type ReadSlot, SharedOutputReader } from './shared-outputs.ts'

/** What is known of the answers to one frame. */
export interface AnswerCheck {
  /** Whether a ModelInferResponse of so many bytes must be read; else it is as one that was right. */
  readonly mustRead: (byteLength: number) => boolean
  /**
   * Says in words what is wrong with an answer; null where nothing is.
   * @param message gives the ModelInferResponse; its RangeError says why there is none to read
   */
  readonly judge: (message: () => Buffer) => string | null
}

/** The checks of a target's answers. */
export interface AnswerChecks {
  /** One for each frame; null where nothing is known of the answers to it. */
  readonly ofFrames: readonly (AnswerCheck | null)[]
  readonly close: () => void
}

type Judge = (outputs: readonly AnsweredOutput[]) => string | null

/** @throws GateError `environment` where the outputs lie in shared memory that cannot be read */
export function answerChecks(check: OutputCheck | undefined, frames: number): AnswerChecks {
  if (check === undefined) return { ofFrames: [], close: () => undefined }
  const { declared, bytes, shared } = check
  const reader = shared === undefined || bytes === null ? null : new SharedOutputReader(shared)
  return {
    ofFrames: Array.from({ length: frames }, (_, frame) =>
      frameCheck(declared, comparison(bytes, frame), reader?.ofFrame(frame) ?? null),
    ),
    close: () => reader?.close(),
  }
}

function comparison(bytes: OutputCheck['bytes'], frame: number): Judge | null {
  switch (bytes?.kind) {
    case undefined:
      return null
    case 'given': {
      const expected = bytes.outputs[frame]
      return expected == null ? null : (outputs) => difference(expected, outputs)
    }
    case 'first':
      return asTheFirst()
    default:
      return bytes satisfies never
  }
}

function frameCheck(
  declared: DeclaredOutputs,
  compare: Judge | null,
  readSlot: ReadSlot | null,
): AnswerCheck | null {
  if (declared.outputs.length === 0 && compare === null) return null
  /** Of an answer that was read and found to be right. */
  let knownLength: number | null = null
  return {
    // To keep and read each answer for its shapes would cost every measurement what only a byte compare has to cost.
    mustRead: (byteLength) =>
      compare !== null || knownLength === null || (declared.areOfFixedSize && byteLength !== knownLength),
    judge: (message) =>
      reading(message, readSlot, (outputs, byteLength) => {
        const wrong = mismatch(declared, outputs) ?? compare?.(outputs) ?? null
        if (wrong === null) knownLength ??= byteLength
        return wrong
      }),
  }
}

/** What of an answer is not as the configuration says. An output that did not come is none: a model may leave it out. */
function mismatch({ outputs: declared }: DeclaredOutputs, outputs: readonly AnsweredOutput[]): string | null {
  for (const { name, datatype, shape } of declared) {
    const output = outputs.find((each) => each.name === name)
    if (output === undefined) continue
    if (output.datatype !== datatype)
      return `output '${name}' is ${output.datatype}, the model's configuration says ${datatype}`
    const fits =
      output.shape.length === shape.length &&
      shape.every((dim, index) => dim === -1 || dim === output.shape[index])
    if (!fits)
      return `output '${name}' has shape [${output.shape.join(', ')}], the model's configuration says [${shape.join(', ')}]`
  }
  return null
}

function asTheFirst(): Judge {
  let first: readonly ExpectedOutput[] | null = null
  return (outputs) => {
    if (first !== null) return difference(first, outputs)
    const unread = outputs.find(({ data }) => data === null)
    if (unread !== undefined) return notRaw(unread.name)
    // Copies: a view would keep whatever else came in the same chunk.
    first = outputs.map(({ name, shape, data }) => ({ name, shape, data: Buffer.from(data ?? []) }))
    return null
  }
}

function reading(
  message: () => Buffer,
  readSlot: ReadSlot | null,
  judge: (outputs: readonly AnsweredOutput[], byteLength: number) => string | null,
): string | null {
  try {
    const bytes = message()
    const outputs = readOutputs(bytes)
    if (readSlot === null) return judge(outputs, bytes.length)
    // Triton puts empty bytes into the answer for an output that it has put into its slot.
    const inSlots = outputs.map((output) => ({ ...output, data: readSlot(output) ?? output.data }))
    return judge(inSlots, bytes.length)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return `the answer cannot be read: ${error.message}`
  }
}

const notRaw = (name: string) => `output '${name}' did not come as raw bytes and cannot be compared`

function difference(expected: readonly ExpectedOutput[], outputs: readonly AnsweredOutput[]): string | null {
  for (const { name, shape, data } of expected) {
    const output = outputs.find((each) => each.name === name)
    if (output === undefined) return `output '${name}' is missing`
    if (output.shape.join() !== shape.join())
      return `output '${name}' has shape [${output.shape.join(', ')}], expected is [${shape.join(', ')}]`
    if (output.data === null) return notRaw(name)
    if (output.data.length !== data.length)
      return `output '${name}' has ${output.data.length} bytes, expected are ${data.length}`
    if (output.data.equals(data)) continue
    const at = data.findIndex((byte, index) => output.data?.[index] !== byte)
    return `output '${name}' differs at byte ${at} of ${data.length}: ${output.data[at]}, expected is ${data[at]}`
  }
  return null
}
