// What the session's tests open, ask and close.
import type { Field } from './hpack.ts'
import { Http2Session } from './session.ts'
import type { StreamEnd } from './stream.ts'

export const closeAfterwards: (() => Promise<void>)[] = []

export async function closeAll(): Promise<void> {
  for (const close of closeAfterwards.splice(0).reverse()) await close()
}

interface Opened {
  readonly session: Http2Session
  readonly closed: Promise<string>
  readonly goAway: Promise<string>
}

export async function open(port: number, firstStreamId?: number): Promise<Opened> {
  let onClose: (reason: string) => void = () => undefined
  let onGoAway: (reason: string) => void = () => undefined
  const closed = new Promise<string>((resolve) => (onClose = resolve))
  const goAway = new Promise<string>((resolve) => (onGoAway = resolve))
  let session: Http2Session | undefined
  await new Promise<void>((resolve) => {
    const close = (reason: string) => {
      onClose(reason)
      resolve()
    }
    const events = {
      onSettings: () => resolve(),
      onGoAway: (reason: string) => onGoAway(reason),
      onClose: close,
    }
    session = new Http2Session('127.0.0.1', port, null, events, firstStreamId)
  })
  if (session === undefined) throw new Error('no session')
  const opened = session
  closeAfterwards.push(async () => {
    opened.destroy('the test is over')
    await closed
  })
  return { session: opened, closed, goAway }
}

interface Answer {
  readonly blocks: (readonly Field[])[]
  readonly data: Buffer
  readonly end: StreamEnd
}

export const fields: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/s/M'],
  [':authority', 'here'],
  ['te', 'trailers'],
]

export function ask(
  session: Http2Session,
  data: Buffer | null,
  asked: readonly Field[] = fields,
): Promise<Answer> {
  return new Promise((resolve) => {
    const blocks: (readonly Field[])[] = []
    const chunks: Buffer[] = []
    session.request(asked, data, true, {
      onHeaders: (given) => blocks.push(given),
      onData: (bytes, start, end) => chunks.push(Buffer.from(bytes.subarray(start, end))),
      onEnd: (end) => resolve({ blocks, data: Buffer.concat(chunks), end }),
    })
  })
}

export const valueIn = (blocks: readonly (readonly Field[])[], name: string) =>
  blocks.flat().find((field) => field[0] === name)?.[1]

export const noise = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 7) % 251))
