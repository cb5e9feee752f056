import { decodeHuffman } from './huffman.ts'

/** A header field; its strings hold one byte in each character. */
export type Field = readonly [name: string, value: string]

/** RFC 7541, appendix A; counted from 1. */
const staticTable: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): Field => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow'],
    ...['authorization', 'cache-control', 'content-disposition', 'content-encoding', 'content-language'],
    ...['content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag'],
    ...['expect', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'],
    ...['if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'],
    ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'],
    ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
  ].map((name): Field => [name, '']),
]

/** What both ends begin with; this side keeps to it. */
const tableBytes = 4096

/** What an entry takes of a table (RFC 7541, 4.1). */
const sizeOf = ([name, value]: Field) => name.length + value.length + 32

/** Reads header blocks of one connection, in their order. */
export class HpackDecoder {
  /** The newest first. */
  readonly #table: Field[] = []
  #size = 0
  #limit: number
  readonly #mostBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  constructor(mostBytes: number = tableBytes) {
    this.#mostBytes = mostBytes
    this.#limit = mostBytes
  }

  /** The block's fields. @throws RangeError where it is no header block: the connection cannot be read on */
  decode(bytes: Buffer, start: number, end: number): Field[] {
    const fields: Field[] = []
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    while (this.#at < this.#end) {
      const first = this.#bytes[this.#at] ?? 0
      if (first >= 0x80) fields.push(this.#fieldAt(this.#integer(7)))
      else if (first >= 0x40) {
        const field = this.#literal(6)
        this.#insert(field)
        fields.push(field)
      } else if (first < 0x20) fields.push(this.#literal(4))
      else if (fields.length === 0) this.#resize(this.#integer(5))
      else throw new RangeError('a header table that changes its size amid a header block')
    }
    return fields
  }

  #fieldAt(index: number): Field {
    const field =
      index <= staticTable.length ? staticTable[index - 1] : this.#table[index - staticTable.length - 1]
    if (field === undefined) throw new RangeError(`no header field ${index}`)
    return field
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits)
    const name = index === 0 ? this.#string() : this.#fieldAt(index)[0]
    return [name, this.#string()]
  }

  #string(): string {
    const isHuffman = (this.#bytes[this.#at] ?? 0) >= 0x80
    const length = this.#integer(7)
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new RangeError('a header block that is cut off')
    return isHuffman
      ? decodeHuffman(this.#bytes, start, this.#at)
      : this.#bytes.toString('latin1', start, this.#at)
  }

  /** RFC 7541, 5.1. */
  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1
    let value = this.#byte() & most
    if (value < most) return value
    for (let factor = 1; factor <= 2 ** 21; factor *= 0x80) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError('an integer without end')
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new RangeError('a header block that is cut off')
    return this.#bytes[this.#at++] ?? 0
  }

  #resize(limit: number): void {
    if (limit > this.#mostBytes) throw new RangeError(`a header table of ${limit} bytes`)
    this.#limit = limit
    this.#evict()
  }

  #insert(field: Field): void {
    this.#table.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#table.pop()
      if (oldest === undefined) return
      this.#size -= sizeOf(oldest)
    }
  }
}

/**
 * Writes header blocks of one connection, in their order. The few fields that all its requests have go into the peer's
 * table with the first one and are a byte each from then on; nothing is ever put out of it.
 */
export class HpackEncoder {
  /** Fields by the order in which they went into the table, with their name and value for a key. */
  readonly #inserted = new Map<string, number>()
  readonly #blocks = new Map<readonly Field[], { readonly inserted: number; readonly block: Buffer }>()
  #size = 0
  #limit = tableBytes
  #tellLimit = false

  /** The peer's SETTINGS_HEADER_TABLE_SIZE: below the default there is no table from here on. */
  setLimit(bytes: number): void {
    if (bytes >= tableBytes || this.#limit === 0) return
    this.#limit = 0
    this.#tellLimit = true
    this.#inserted.clear()
    this.#blocks.clear()
  }

  /** The block for these fields; the same array of fields is encoded once. */
  encode(fields: readonly Field[]): Buffer {
    const known = this.#blocks.get(fields)
    if (known !== undefined && known.inserted === this.#inserted.size && !this.#tellLimit) return known.block
    const bytes: number[] = this.#tellLimit ? [0x20] : []
    this.#tellLimit = false
    const before = this.#inserted.size
    for (const field of fields) this.#put(bytes, field)
    const block = Buffer.from(bytes)
    if (this.#inserted.size === before && (bytes[0] ?? 0) !== 0x20)
      this.#blocks.set(fields, { inserted: before, block })
    return block
  }

  #put(bytes: number[], field: Field): void {
    const [name, value] = field
    const whole = staticTable.findIndex((each) => each[0] === name && each[1] === value) + 1
    const key = `${name}\0${value}`
    const order = this.#inserted.get(key)
    if (whole > 0) putInteger(bytes, 0x80, 7, whole)
    else if (order !== undefined) putInteger(bytes, 0x80, 7, staticTable.length + this.#inserted.size - order)
    else {
      const isKept = this.#size + sizeOf(field) <= this.#limit
      const index = staticTable.findIndex((each) => each[0] === name) + 1
      putInteger(bytes, isKept ? 0x40 : 0, isKept ? 6 : 4, index)
      if (index === 0) putString(bytes, name)
      putString(bytes, value)
      if (!isKept) return
      this.#size += sizeOf(field)
      this.#inserted.set(key, this.#inserted.size)
    }
  }
}

function putInteger(bytes: number[], pattern: number, prefixBits: number, value: number): void {
  const most = 2 ** prefixBits - 1
  if (value < most) {
    bytes.push(pattern | value)
    return
  }
  bytes.push(pattern | most)
  let rest = value - most
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest % 0x80))
  bytes.push(rest)
}

function putString(bytes: number[], text: string): void {
  const encoded = Buffer.from(text, 'latin1')
  putInteger(bytes, 0, 7, encoded.length)
  for (const byte of encoded) bytes.push(byte)
}
