/** RFC 9113, section 6. */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** RFC 9113, section 7. */
export const errorCode = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  frameSizeError: 6,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const

/** RFC 9113, 6.5.2. */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const

export const headBytes = 9

/** The default, which this side keeps to: longer frames come from no HTTP/2 peer. */
export const maxFrameBytes = 16_384

/** What ends a connection: the peer broke the protocol. */
export class ProtocolError extends Error {
  readonly errorCode: number

  constructor(code: number, message: string) {
    super(message)
    this.errorCode = code
  }
}

export interface FrameHead {
  readonly type: number
  readonly flags: number
  readonly streamId: number
}

/** Writes the head of a frame with `length` bytes of payload at `at`; what follows it is the caller's. */
export function writeHead(bytes: Buffer, at: number, length: number, head: FrameHead): void {
  const { type, flags, streamId } = head
  bytes[at] = length >> 16
  bytes[at + 1] = length >> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  bytes[at + 5] = streamId >>> 24
  bytes[at + 6] = streamId >> 16
  bytes[at + 7] = streamId >> 8
  bytes[at + 8] = streamId
}

export function makeFrame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + payload.length)
  writeHead(frame, 0, payload.length, { type, flags, streamId })
  frame.set(payload, headBytes)
  return frame
}

/** A frame whose payload is one number of 32 bits, or several. */
export function makeNumbersFrame(type: number, streamId: number, ...numbers: readonly number[]): Buffer {
  const payload = Buffer.allocUnsafe(4 * numbers.length)
  for (const [index, number] of numbers.entries()) payload.writeUInt32BE(number, 4 * index)
  return makeFrame(type, 0, streamId, payload)
}

export function makeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(6 * settings.length)
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  })
  return makeFrame(frameType.settings, 0, 0, payload)
}

/** A frame as it was read. The reader uses it again for the next one. */
export interface Frame extends FrameHead {
  /** Its payload lies in these from `start` to `end`. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** Puts frames together from what a socket reads. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void
  /** A frame that has not come as a whole, and how much of it is here. */
  readonly #part: Buffer = Buffer.allocUnsafe(headBytes + maxFrameBytes)
  #partBytes = 0
  readonly #frame = { type: 0, flags: 0, streamId: 0, bytes: this.#part, start: 0, end: 0 }

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame
  }

  /** @throws ProtocolError for a frame that is too long, and what onFrame throws */
  push(chunk: Buffer, count: number): void {
    let at = this.#partBytes === 0 ? 0 : this.#complete(chunk, count)
    while (count - at >= headBytes) {
      const end = at + headBytes + payloadBytes(chunk, at)
      if (end > count) break
      this.#emit(chunk, at, end)
      at = end
    }
    if (at === count) return
    chunk.copy(this.#part, this.#partBytes, at, count)
    this.#partBytes += count - at
  }

  /** Goes on with the frame begun before. Returns where in the chunk it ends, or the chunk does. */
  #complete(chunk: Buffer, count: number): number {
    let at = 0
    const fill = (bytes: number): boolean => {
      const taken = Math.min(Math.max(0, bytes - this.#partBytes), count - at)
      chunk.copy(this.#part, this.#partBytes, at, at + taken)
      this.#partBytes += taken
      at += taken
      return this.#partBytes >= bytes
    }
    if (!fill(headBytes)) return at
    const end = headBytes + payloadBytes(this.#part, 0)
    if (!fill(end)) return at
    this.#partBytes = 0
    this.#emit(this.#part, 0, end)
    return at
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const frame = this.#frame
    frame.type = bytes[at + 3] ?? 0
    frame.flags = bytes[at + 4] ?? 0
    frame.streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
    frame.bytes = bytes
    frame.start = at + headBytes
    frame.end = end
    this.#onFrame(frame)
  }
}

function payloadBytes(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3)
  if (length > maxFrameBytes)
    throw new ProtocolError(errorCode.frameSizeError, `a frame of ${length} bytes instead of HTTP/2`)
  return length
}

/** The place of what DATA or HEADERS hold without their padding. @throws ProtocolError where that is longer than they are */
export function unpadded({ flags, bytes, start, end }: Frame): [from: number, to: number] {
  if ((flags & flag.padded) === 0) return [start, end]
  const to = end - (bytes[start] ?? 0)
  if (start + 1 > to) throw new ProtocolError(errorCode.protocolError, 'more padding than payload')
  return [start + 1, to]
}
