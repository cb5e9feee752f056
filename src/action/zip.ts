import { inflateRawSync } from 'node:zlib'

// Offsets and signatures: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory)
// and 4.3.16 (end of central directory).
const endSignature = 0x06054b50
const endBytes = 22
const centralSignature = 0x02014b50
const centralBytes = 46
const localSignature = 0x04034b50
const localBytes = 30
const maxCommentBytes = 0xffff
const stored = 0
const deflated = 8
const symlink = 0o120000

export interface ZipLimits {
  /** Of the entry that is read, unpacked. */
  readonly maxBytes: number
  /** Of the archive. */
  readonly maxEntries: number
}

/** Whether the archive lists a file of this name. What is in the archive is only checked by reading from it. */
export function hasZipEntry(
  zip: Buffer,
  name: string,
  { maxEntries }: Pick<ZipLimits, 'maxEntries'>,
): boolean {
  return readDirectory(zip, maxEntries).some((entry) => entry.name === name)
}

/**
 * The content of the one regular file of this name, read in memory: nothing is unpacked to a path that the
 * archive names, and nothing beyond the limits is looked at. An archive with anything in it that a careless
 * reader would trip over (a path that climbs, a link, a name twice) is refused whole.
 *
 * @throws Error that says, as the end of a sentence, what is wrong with the archive
 */
export function readZipEntry(zip: Buffer, name: string, { maxBytes, maxEntries }: ZipLimits): Buffer {
  const entries = readDirectory(zip, maxEntries)
  for (const entry of entries) refuse(entry)
  const same = entries.filter((entry) => entry.name === name)
  const [entry] = same
  if (entry === undefined) {
    const names = entries.slice(0, 5).map((other) => JSON.stringify(other.name))
    throw new Error(`holds ${names.length === 0 ? 'nothing' : names.join(', ')} instead of ${name}`)
  }
  if (same.length > 1) throw new Error(`holds ${name} more than once`)
  if (entry.bytes > maxBytes) throw new Error(`holds ${entry.bytes} bytes, above the limit of ${maxBytes}`)
  const content = unpack(packedContent(zip, entry), entry.method, maxBytes)
  if (content.length !== entry.bytes) throw new Error(`says ${entry.bytes} bytes and holds ${content.length}`)
  return content
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  readonly bytes: number
  readonly unixMode: number
  /** Where its local header begins. */
  readonly local: number
  /** Where the central directory begins: no content lies behind it. */
  readonly central: number
}

function readDirectory(zip: Buffer, maxEntries: number): Entry[] {
  const end = findEnd(zip)
  const count = zip.readUInt16LE(end + 10)
  const central = zip.readUInt32LE(end + 16)
  if (count > maxEntries) throw new Error(`holds ${count} entries, above the limit of ${maxEntries}`)
  const entries: Entry[] = []
  let at = central
  for (let index = 0; index < count; index++) {
    if (at + centralBytes > end || zip.readUInt32LE(at) !== centralSignature)
      throw new Error('has a broken directory')
    const nameEnd = at + centralBytes + zip.readUInt16LE(at + 28)
    if (nameEnd > end) throw new Error('has a broken directory')
    entries.push({
      name: zip.subarray(at + centralBytes, nameEnd).toString('utf8'),
      method: zip.readUInt16LE(at + 10),
      packedBytes: zip.readUInt32LE(at + 20),
      bytes: zip.readUInt32LE(at + 24),
      unixMode: zip.readUInt32LE(at + 38) >>> 16,
      local: zip.readUInt32LE(at + 42),
      central,
    })
    at = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return entries
}

function refuse({ name, unixMode }: Entry): void {
  const shown = JSON.stringify(name)
  if ((unixMode & 0o170000) === symlink) throw new Error(`holds ${shown} as a symbolic link`)
  const climbs = name.split(/[\\/]/).includes('..') || /^[\\/]|^[a-z]:/i.test(name) || name.includes('\0')
  if (climbs) throw new Error(`holds the path ${shown}`)
}

function packedContent(zip: Buffer, { local, central, packedBytes }: Entry): Buffer {
  if (local + localBytes > central || zip.readUInt32LE(local) !== localSignature)
    throw new Error('has a broken entry')
  const start = local + localBytes + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  if (start + packedBytes > central) throw new Error('is truncated')
  return zip.subarray(start, start + packedBytes)
}

function findEnd(zip: Buffer): number {
  const lowest = Math.max(0, zip.length - endBytes - maxCommentBytes)
  for (let at = zip.length - endBytes; at >= lowest; at--) {
    if (zip.readUInt32LE(at) === endSignature) return at
  }
  throw new Error('is not a zip archive')
}

function unpack(packed: Buffer, method: number, maxBytes: number): Buffer {
  if (method === stored) return Buffer.from(packed)
  if (method !== deflated) throw new Error(`uses the unknown compression ${method}`)
  try {
    return inflateRawSync(packed, { maxOutputLength: maxBytes })
  } catch (error) {
    const tooBig =
      error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new Error(tooBig ? `inflates beyond the limit of ${maxBytes} bytes` : 'does not inflate', {
      cause: error,
    })
  }
}
