import { errorCode, type Frame, type FrameHead, flag, headBytes, ProtocolError, unpadded } from './frames.ts'
import { type Field, HpackDecoder } from './hpack.ts'

/** A whole header block, as read. */
export interface HeaderBlock {
  readonly streamId: number
  readonly endStream: boolean
  readonly fields: readonly Field[]
}

/** Frame heads included, since pieces may be empty; far beyond what any gRPC peer sends. */
const maxBlockBytes = 1024 * 1024

/** HEADERS takes five bytes for a priority that nobody asks for any more. */
const priorityBytes = 5

/** Puts header blocks together from HEADERS and CONTINUATION frames and reads them. Each builds on those before it. */
export class HeaderBlocks {
  readonly #decoder = new HpackDecoder()
  #begun: { head: FrameHead; parts: Buffer[]; bytes: number } | null = null

  /** A block has begun and has not ended: only its CONTINUATION may come. */
  get isOpen(): boolean {
    return this.#begun !== null
  }

  /** Reads a HEADERS frame. null where its block goes on. @throws ProtocolError */
  begin(frame: Frame): HeaderBlock | null {
    const { type, flags, streamId, bytes } = frame
    let [from, to] = unpadded(frame)
    if ((flags & flag.priority) !== 0) from += priorityBytes
    if (from > to) throw new ProtocolError(errorCode.frameSizeError, 'HEADERS without room for a priority')
    if ((flags & flag.endHeaders) !== 0) return this.#read(frame, bytes, from, to)
    const part = Buffer.from(bytes.subarray(from, to))
    this.#begun = { head: { type, flags, streamId }, parts: [part], bytes: part.length }
    return null
  }

  /** Reads a CONTINUATION frame. null where the block goes on. @throws ProtocolError */
  goOn({ flags, streamId, bytes, start, end }: Frame): HeaderBlock | null {
    const begun = this.#begun
    if (begun?.head.streamId !== streamId)
      throw new ProtocolError(errorCode.protocolError, 'a CONTINUATION of no header block')
    begun.parts.push(Buffer.from(bytes.subarray(start, end)))
    begun.bytes += headBytes + end - start
    if (begun.bytes > maxBlockBytes)
      throw new ProtocolError(errorCode.enhanceYourCalm, `more than ${maxBlockBytes} bytes of headers`)
    if ((flags & flag.endHeaders) === 0) return null
    this.#begun = null
    const block = Buffer.concat(begun.parts)
    return this.#read(begun.head, block, 0, block.length)
  }

  #read({ flags, streamId }: FrameHead, bytes: Buffer, start: number, end: number): HeaderBlock {
    try {
      const fields = this.#decoder.decode(bytes, start, end)
      return { streamId, endStream: (flags & flag.endStream) !== 0, fields }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new ProtocolError(errorCode.compressionError, error.message)
    }
  }
}
