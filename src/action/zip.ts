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

/**
 * The content of a zip that holds exactly one regular file of this name, read in memory: nothing is
 * unpacked to a path that the archive names, and nothing beyond `maxBytes` is inflated.
 *
 * @throws Error that says, as the end of a sentence, what is wrong with the archive
 */
export function readOnlyEntry(zip: Buffer, name: string, maxBytes: number): Buffer {
  const end = findEnd(zip)
  const entries = zip.readUInt16LE(end + 10)
  const central = zip.readUInt32LE(end + 16)
  if (entries !== 1) throw new Error(`holds ${entries} entries instead of ${name} alone`)
  if (central + centralBytes > end || zip.readUInt32LE(central) !== centralSignature) {
    throw new Error('has a broken directory')
  }
  const method = zip.readUInt16LE(central + 10)
  const packedBytes = zip.readUInt32LE(central + 20)
  const bytes = zip.readUInt32LE(central + 24)
  const nameEnd = central + centralBytes + zip.readUInt16LE(central + 28)
  const entryName = zip.subarray(central + centralBytes, nameEnd).toString('utf8')
  const unixMode = zip.readUInt32LE(central + 38) >>> 16
  const local = zip.readUInt32LE(central + 42)

  if (nameEnd > end || entryName !== name)
    throw new Error(`holds ${JSON.stringify(entryName)} instead of ${name}`)
  if ((unixMode & 0o170000) === symlink) throw new Error(`holds ${name} as a symbolic link`)
  if (bytes > maxBytes) throw new Error(`holds ${bytes} bytes, above the limit of ${maxBytes}`)
  if (local + localBytes > central || zip.readUInt32LE(local) !== localSignature)
    throw new Error('has a broken entry')

  const start = local + localBytes + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  if (start + packedBytes > central) throw new Error('is truncated')
  const content = unpack(zip.subarray(start, start + packedBytes), method, maxBytes)
  if (content.length !== bytes) throw new Error(`says ${bytes} bytes and holds ${content.length}`)
  return content
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
