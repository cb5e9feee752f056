/** An input of one inference: raw little-endian bytes as they go over the wire. */
export interface StepTensor {
  readonly name: string
  /** Without the batch dimension. */
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/**
 * perf_analyzer's `--input-data` JSON with these steps, to be sent in turn. Not its own random data: that holds NaN,
 * with which models take other paths and its profile export stays empty.
 *
 * @param streams steps of each stream, which follow each other, for a model with sequences; null = no streams
 */
export function inputDataJson(
  steps: readonly (readonly StepTensor[])[],
  streams: readonly number[] | null = null,
): string {
  const data = steps.map((tensors) =>
    Object.fromEntries(
      tensors.map(({ name, shape, data }) => [
        name,
        { content: { b64: Buffer.from(data).toString('base64') }, shape },
      ]),
    ),
  )
  let next = 0
  const inStreams = streams?.map((length) => {
    next += length
    return data.slice(next - length, next)
  })
  return JSON.stringify({ data: inStreams ?? data })
}
