import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** A line longer than this is cut up, so that a model printing without line ends cannot fill the memory. */
const maxLineLength = 64 * 1024

/** Cuts chunks into lines, without their ends; `end` gives the unfinished last one. */
export function lineSplitter(onLine: (line: string) => void): {
  readonly add: (chunk: Buffer) => void
  readonly end: () => void
} {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return {
    add: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
      while (rest.length > maxLineLength) {
        onLine(rest.slice(0, maxLineLength))
        rest = rest.slice(maxLineLength)
      }
    },
    end: () => {
      rest += decoder.end()
      if (rest !== '') onLine(rest)
    },
  }
}

/** Calls `onLine` for each line of the stream. */
export function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  const { add, end } = lineSplitter(onLine)
  stream.on('data', add)
  stream.on('end', end)
}
