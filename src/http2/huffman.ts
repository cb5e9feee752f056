/**
 * Lengths in bits of the codes for the bytes 0–255 and the end-of-string symbol (RFC 7541, appendix B). The code is
 * canonical, so that the lengths are all there is to know.
 */
// biome-ignore format: sixteen in a line
const codeBits = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]

const endOfString = 256
const longestBits = 30

/** Symbols by code, and for each length the first code and the place of its symbol. */
const symbols: number[] = []
const firstCode: number[] = [0]
const firstPlace: number[] = [0]
for (let bits = 1, code = 0; bits <= longestBits; bits++) {
  code *= 2
  firstCode.push(code)
  firstPlace.push(symbols.length)
  codeBits.forEach((length, symbol) => {
    if (length === bits) symbols.push(symbol)
  })
  code += symbols.length - (firstPlace[bits] ?? 0)
}

/** @throws RangeError where the bytes are no such code, or its padding is not of up to seven ones */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string {
  const decoded: number[] = []
  let code = 0
  let bits = 0
  let onesOnly = true
  for (let at = start; at < end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = ((bytes[at] ?? 0) >> bit) & 1
      code = code * 2 + one
      bits++
      onesOnly &&= one === 1
      const place = code - (firstCode[bits] ?? 0) + (firstPlace[bits] ?? 0)
      if (place >= (firstPlace[bits + 1] ?? symbols.length)) {
        if (bits === longestBits) throw new RangeError('no Huffman code')
        continue
      }
      const symbol = symbols[place]
      if (symbol === undefined || symbol === endOfString) throw new RangeError('no Huffman code')
      decoded.push(symbol)
      code = 0
      bits = 0
      onesOnly = true
    }
  }
  if (bits > 7 || !onesOnly) throw new RangeError('a Huffman code that is cut off')
  return Buffer.from(decoded).toString('latin1')
}
