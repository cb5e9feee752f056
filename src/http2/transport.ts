import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** What libuv reads at a time from a socket whose reader does not say. */
const readBytes = 65_536

/** Up to here, copying into one buffer is cheaper than to write several. */
export const joinedBytes = 16_384

export interface TransportEvents {
  /** Of the peer's bytes the first `count` of `bytes` are new; they are overwritten by the next. */
  readonly onRead: (bytes: Buffer, count: number) => void
  readonly onClose: (reason: string) => void
}

/**
 * A socket, with TLS where options for it are given. What is pushed while bytes are dealt with is written after them, so that
 * what answers that came together give rise to is one system call.
 */
export class Transport {
  readonly #socket: Socket
  readonly #onRead: TransportEvents['onRead']
  #lastError = ''
  #isReading = false
  #pushed: Buffer[] = []
  #pushedBytes = 0

  /** @param onConnected where there is TLS: after its handshake, which must agree on HTTP/2 */
  constructor(
    host: string,
    port: number,
    tls: ConnectionOptions | null,
    onConnected: () => void,
    { onRead, onClose }: TransportEvents,
  ) {
    this.#onRead = onRead
    // One buffer for all, past the machinery of streams: a third of what an answer costs.
    const onread = {
      buffer: Buffer.allocUnsafe(readBytes),
      callback: (count: number, bytes: Uint8Array) => {
        this.#read(bytes as Buffer, count)
        return true
      },
    }
    if (tls === null) this.#socket = connect({ host, port, onread }, onConnected)
    else {
      const named = isIP(host) === 0 ? { servername: host } : {}
      const options = { ...tls, ...named, host, port, onread, ALPNProtocols: ['h2'] }
      const socket = connectTls(options, () => {
        if (socket.alpnProtocol === 'h2') onConnected()
        else socket.destroy(new Error('the server does not offer HTTP/2 over TLS (ALPN)'))
      })
      this.#socket = socket
    }
    this.#socket.setNoDelay()
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lastError = error.code === undefined ? error.message : `${error.code}: ${error.message}`
    })
    this.#socket.on('end', () => this.#socket.destroy())
    this.#socket.on('close', () => onClose(this.#lastError || 'the connection was closed'))
  }

  push(bytes: Buffer): void {
    this.#pushed.push(bytes)
    this.#pushedBytes += bytes.length
  }

  /** Writes what was pushed, unless there is more to come from what is being read. */
  flush(): void {
    if (!this.#isReading) this.#write()
  }

  /** Ends the connection when what was pushed has been written. */
  end(): void {
    this.#write()
    // A peer that keeps its half open would keep this one too.
    this.#socket.destroySoon()
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#write()
    this.#socket.destroy()
  }

  #read(bytes: Buffer, count: number): void {
    this.#isReading = true
    try {
      this.#onRead(bytes, count)
    } finally {
      this.#isReading = false
      this.#write()
    }
  }

  #write(): void {
    const pushed = this.#pushed
    const [first] = pushed
    if (first === undefined) return
    const bytes = this.#pushedBytes
    this.#pushed = []
    this.#pushedBytes = 0
    if (!this.#socket.writable) return
    if (pushed.length === 1) this.#socket.write(first)
    else if (bytes <= joinedBytes) this.#socket.write(Buffer.concat(pushed, bytes))
    else {
      this.#socket.cork()
      for (const each of pushed) this.#socket.write(each)
      this.#socket.uncork()
    }
  }
}
