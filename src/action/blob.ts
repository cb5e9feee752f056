import { HttpClient } from '@actions/http-client'
import { type Clock, NoAnswer, realClock, withRetries } from './retry.ts'

/** A blob store that is silent for this long has stopped. */
const silenceMs = 20_000

/**
 * What stands at a URL that carries its own permission, in memory; by the runner's proxy, where it has one.
 *
 * @param totalMs for all tries together
 * @throws Error where it is larger than `maxBytes`: no more than that is read
 */
export function fetchBlob(
  url: string,
  maxBytes: number,
  totalMs: number,
  clock: Clock = realClock,
): Promise<Buffer> {
  const client = new HttpClient('triton-perf-gate', [], { allowRetries: false, socketTimeout: silenceMs })
  const ask = async () => {
    const { message } = await client.get(url)
    const status = message.statusCode ?? 0
    if (status !== 200) {
      message.destroy()
      throw Object.assign(new Error(`the store of artifacts answered ${status}`), { status })
    }
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) {
        message.destroy()
        throw Object.assign(new Error(`it is larger than the limit of ${maxBytes} bytes`), { status: 413 })
      }
      chunks.push(chunk)
    }
    const announced = Number(message.headers['content-length'] ?? bytes)
    if (bytes !== announced) throw new NoAnswer(`the blob broke off after ${bytes} of ${announced} bytes`)
    return Buffer.concat(chunks)
  }
  return withRetries(ask, { repeatable: true, deadlineMs: clock.nowMs() + totalMs, clock })
}
