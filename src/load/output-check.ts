import { type AnsweredOutput, readOutputs } from './infer-response.ts'
import type { ExpectedOutput, OutputCheck } from './protocol.ts'

/**
 * Says in words what is wrong with an answer; null where nothing is.
 * @param message gives the ModelInferResponse; its RangeError says why there is none to read
 */
export type AnswerCheck = (message: () => Buffer) => string | null

/** One for each frame of a target; null where nothing is known of the answers to it. */
export function answerChecks(check: OutputCheck | undefined, frames: number): (AnswerCheck | null)[] {
  switch (check?.kind) {
    case undefined:
      return []
    case 'given':
      return check.outputs.map((expected) =>
        expected === null ? null : (message) => reading(message, (outputs) => difference(expected, outputs)),
      )
    case 'first':
      return Array.from({ length: frames }, asTheFirst)
    default:
      return check satisfies never
  }
}

function asTheFirst(): AnswerCheck {
  let first: readonly ExpectedOutput[] | null = null
  return (message) =>
    reading(message, (outputs) => {
      if (first !== null) return difference(first, outputs)
      const unread = outputs.find(({ data }) => data === null)
      if (unread !== undefined) return notRaw(unread.name)
      // Copies: a view would keep whatever else came in the same chunk.
      first = outputs.map(({ name, shape, data }) => ({ name, shape, data: Buffer.from(data ?? []) }))
      return null
    })
}

function reading(
  message: () => Buffer,
  judge: (outputs: readonly AnsweredOutput[]) => string | null,
): string | null {
  try {
    return judge(readOutputs(message()))
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
