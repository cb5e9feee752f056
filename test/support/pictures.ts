import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'

/** The pictures beside this file and the words that are written on them (drawn by pictures/render.py). */
export const pictures = [
  { file: 'triton.png', words: 'TRITON' },
  { file: 'latency.png', words: 'LATENCY' },
  { file: 'baseline.png', words: 'BASELINE' },
  { file: 'budget-150.png', words: 'Budget 150' },
  { file: 'throughput.png', words: 'throughput' },
] as const

export interface Picture {
  readonly width: number
  readonly height: number
  /** Rows from the top, 3 bytes RGB a pixel: the layout of the model's UINT8 [height, width, 3]. */
  readonly pixels: Uint8Array
}

export function readPicture(file: string): Picture {
  return decodePng(readFileSync(new URL(`./pictures/${file}`, import.meta.url)), file)
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const bytesPerPixel = 3

/** Reads 8-bit RGB without interlacing, which is what render.py writes; anything else is an error. */
function decodePng(png: Buffer, name: string): Picture {
  if (!png.subarray(0, 8).equals(signature)) throw new Error(`${name}: not a PNG file`)
  const chunks = [...chunksOf(png)]
  const header = chunks.find(({ type }) => type === 'IHDR')?.data
  if (header === undefined) throw new Error(`${name}: no IHDR chunk`)
  const [depth, colour, , , interlace] = header.subarray(8)
  if (depth !== 8 || colour !== 2 || interlace !== 0)
    throw new Error(`${name}: not 8-bit RGB, not interlaced`)

  const width = header.readUInt32BE(0)
  const height = header.readUInt32BE(4)
  const rows = inflateSync(
    Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)),
  )
  return { width, height, pixels: unfilter(rows, width * bytesPerPixel, height) }
}

function* chunksOf(png: Buffer): Generator<{ readonly type: string; readonly data: Buffer }> {
  for (let at = signature.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) }
    at += 12 + length
  }
}

/** Each row begins with its filter: what was subtracted from every byte (PNG specification, section 9). */
function unfilter(rows: Buffer, stride: number, height: number): Uint8Array {
  const pixels = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const left = x < bytesPerPixel ? 0 : (pixels[at - bytesPerPixel] ?? 0)
      const above = y === 0 ? 0 : (pixels[at - stride] ?? 0)
      const corner = x < bytesPerPixel || y === 0 ? 0 : (pixels[at - stride - bytesPerPixel] ?? 0)
      pixels[at] = (rows[y * (stride + 1) + 1 + x] ?? 0) + predict(filter, left, above, corner)
    }
  }
  return pixels
}

function predict(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0
    case 1:
      return left
    case 2:
      return above
    case 3:
      return (left + above) >> 1
    case 4:
      return paeth(left, above, corner)
    default:
      throw new Error(`unknown PNG filter ${filter}`)
  }
}

/** Whichever of the three is nearest to left + above - corner; ties in this order. */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner)
  const toAbove = Math.abs(left - corner)
  const toCorner = Math.abs(left + above - 2 * corner)
  if (toLeft <= toAbove && toLeft <= toCorner) return left
  return toAbove <= toCorner ? above : corner
}
