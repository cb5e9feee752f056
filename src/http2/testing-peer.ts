// A peer that does what a test says, frame by frame, whether HTTP/2 allows it or not.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { FrameReader, frameType, makeSettings } from './frames.ts'

const prefaceBytes = 24

interface ReceivedFrame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
}

export interface RawPeer {
  readonly port: number
  /** What came, over all connections. */
  readonly frames: readonly ReceivedFrame[]
  readonly stop: () => Promise<void>
}

/** Listens on a free port of the loopback; `stop` ends every connection that there is. */
export async function listenOnLoopback(
  server: Server,
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** @param onHeaders when HEADERS have come @param begin what it sends first */
export async function startRawPeer(
  onHeaders: (socket: Socket, streamId: number) => void,
  begin: Buffer = makeSettings([]),
): Promise<RawPeer> {
  const frames: ReceivedFrame[] = []
  const server = createServer((socket) => {
    socket.setNoDelay()
    socket.on('error', () => undefined)
    socket.write(begin)
    const reader = new FrameReader(({ type, flags, streamId: id, bytes, start, end }) => {
      frames.push({ type, flags, id, payload: Buffer.from(bytes.subarray(start, end)) })
      if (type === frameType.headers) onHeaders(socket, id)
    })
    let preface = prefaceBytes
    socket.on('data', (chunk: Buffer) => {
      const skipped = Math.min(preface, chunk.length)
      preface -= skipped
      reader.push(chunk.subarray(skipped), chunk.length - skipped)
    })
  })
  return { ...(await listenOnLoopback(server)), frames }
}
