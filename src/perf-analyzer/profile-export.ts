import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { GateError } from '../domain/error.ts'

/** Some of perf_analyzer's measurement windows. */
interface ExportWindow {
  /** Wall clock, ns since the epoch. */
  readonly startWallNs: bigint
  readonly durationNs: number
  /** Of the requests that ended in the window (both edges included), ascending. */
  readonly latenciesNs: Float64Array
}

export interface ProfileExport {
  /** Requests that have ended, in whatever window. */
  readonly requests: number
  /** The last three: perf_analyzer's own figures are of these. */
  readonly windows: readonly ExportWindow[]
}

/** perf_analyzer calls a level stable by its last three windows and reports these. */
const countedWindows = 3

/**
 * Reads a profile export of one load level. Its stamps have 19 digits, more than a number holds, and it repeats all
 * tensors of each request, more than a string holds: so it is scanned for the stamps, piece by piece.
 *
 * @throws GateError `environment` for a file that is empty, cut off, or something else
 */
export function readProfileExport(path: string, chunkBytes = 1 << 20): ProfileExport {
  const scan = new Scan()
  const decoder = new StringDecoder('utf8')
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(chunkBytes)
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
      scan.add(decoder.write(buffer.subarray(0, length)))
    }
  } finally {
    closeSync(file)
  }
  return scan.finish(path)
}

/** A key's quotes stand bare in the file; within a string tensor they are escaped, so that no value looks like one. */
const stamps = /"timestamp":(\d+)(?=[,}])|"(response_timestamps|window_boundaries)":\[([\d,]*)\]/g
const stampsBegin = /"(?:timestamp":\d*|response_timestamps":[[\d,]*|window_boundaries":[[\d,]*)$/
/** The longest key with its quotes and colon, which may be cut anywhere. */
const longestKey = '"response_timestamps":'.length

class Scan {
  #rest = ''
  #ending = ''
  readonly #starts: bigint[] = []
  readonly #ends: (bigint | null)[] = []
  #boundaries: bigint[] = []

  add(text: string): void {
    const all = this.#rest + text
    let end = 0
    for (const match of all.matchAll(stamps)) {
      end = match.index + match[0].length
      const [, start, list, values = ''] = match
      if (start !== undefined) this.#starts.push(BigInt(start))
      else if (list === 'response_timestamps') this.#ends.push(lastOf(values))
      else this.#boundaries = values.split(',').filter(Boolean).map(BigInt)
    }
    const begun = stampsBegin.exec(all)?.index ?? all.length - longestKey
    this.#rest = all.slice(Math.max(end, begun))
    this.#ending = (this.#ending + text).slice(-200)
  }

  finish(path: string): ProfileExport {
    const whole = this.#ending.trimEnd().endsWith('}')
    if (!whole || this.#boundaries.length < 2 || this.#ends.length !== this.#starts.length) {
      throw new GateError('environment', `perf_analyzer's profile export is empty or cut off: ${path}`, {
        hint: 'Is the disk of the temporary folder full? It is also empty where a tensor holds a NaN.',
      })
    }
    const edges = this.#boundaries.slice(-countedWindows - 1)
    const windows = edges.slice(1).map((endWallNs, index): ExportWindow => {
      const startWallNs = edges[index] as bigint
      return {
        startWallNs,
        durationNs: Number(endWallNs - startWallNs),
        latenciesNs: this.#latenciesOf(startWallNs, endWallNs),
      }
    })
    return { requests: this.#ends.filter((end) => end !== null).length, windows }
  }

  #latenciesOf(fromNs: bigint, toNs: bigint): Float64Array {
    const latencies: number[] = []
    for (const [index, end] of this.#ends.entries()) {
      if (end !== null && end >= fromNs && end <= toNs)
        latencies.push(Number(end - (this.#starts[index] as bigint)))
    }
    return Float64Array.from(latencies).sort()
  }
}

/** A request ends with its last response; null where it has none. */
function lastOf(stampList: string): bigint | null {
  const last = stampList.split(',').at(-1)
  return last === undefined || last === '' ? null : BigInt(last)
}
