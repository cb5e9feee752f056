import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  readonly content?: string | Buffer
  readonly compressed?: boolean
  /** With the file type in its upper bits, e.g. 0o120777 for a symbolic link. */
  readonly unixMode?: number
  /** Unpacked size that the directory tells, where it is to lie. */
  readonly claimedBytes?: number
  readonly method?: number
}

/** A zip archive, byte by byte: tests need archives that no well-behaved writer makes. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? 'x')
    const packed = entry.compressed === false ? content : deflateRawSync(content)
    const name = Buffer.from(entry.name)
    const fields = Buffer.alloc(22)
    fields.writeUInt16LE(entry.method ?? (entry.compressed === false ? 0 : 8), 4)
    fields.writeUInt32LE(crc32(content), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(entry.claimedBytes ?? content.length, 18)
    fields.writeUInt16LE(20, 0) // needs version 2.0
    const lengths = Buffer.alloc(4)
    lengths.writeUInt16LE(name.length, 0)

    const header = Buffer.concat([Buffer.from('PK\x03\x04'), fields, lengths, name, packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(((entry.unixMode ?? 0o100644) << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    // Made by Unix, so that the mode counts.
    central.push(
      Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), fields, lengths, tail, name]),
    )
    local.push(header)
    offset += header.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...local, directory, end])
}
