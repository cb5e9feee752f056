import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { forEachLine } from './lines.ts'

async function linesOf(chunks: readonly Buffer[]): Promise<string[]> {
  const lines: string[] = []
  const stream = Readable.from(chunks, { objectMode: false })
  forEachLine(stream, (line) => lines.push(line))
  await finished(stream)
  return lines
}

test('the cut between chunks does not matter, not even within a character', async () => {
  const text = 'schön\r\n\nünfinished €'
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: Buffer.byteLength(text) }), async (cut) => {
      const bytes = Buffer.from(text)
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((chunk) => chunk.length > 0)
      expect(await linesOf(chunks)).toEqual(['schön', '', 'ünfinished €'])
    }),
  )
})

test('a line without end comes in pieces', async () => {
  const lines = await linesOf([Buffer.alloc(100_000, 'x'), Buffer.alloc(100_000, 'x')])
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.join('')).toHaveLength(200_000)
})
