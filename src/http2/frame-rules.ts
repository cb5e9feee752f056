import { errorCode, type Frame, flag, frameType, ProtocolError } from './frames.ts'

const ofConnection: ReadonlySet<number> = new Set([frameType.settings, frameType.ping, frameType.goAway])

/** What a frame can be held against by itself (RFC 9113, 6.3–6.9). @throws ProtocolError */
export function checkFrame({ type, flags, streamId, start, end }: Frame): void {
  if (type === frameType.pushPromise) violated('it pushes although that is switched off')
  if (streamId !== 0 && ofConnection.has(type)) violated('a frame of a stream that is the connection’s')
  if (!hasRightLength(type, flags, end - start))
    throw new ProtocolError(errorCode.frameSizeError, 'a frame of the wrong length')
}

function hasRightLength(type: number, flags: number, length: number): boolean {
  switch (type) {
    case frameType.priority:
      return length === 5
    case frameType.resetStream:
    case frameType.windowUpdate:
      return length === 4
    case frameType.settings:
      return (flags & flag.ack) === 0 ? length % 6 === 0 : length === 0
    case frameType.ping:
      return length === 8
    case frameType.goAway:
      return length >= 8
    default:
      return true
  }
}

/** @throws ProtocolError always */
export function violated(what: string): never {
  throw new ProtocolError(errorCode.protocolError, what)
}
