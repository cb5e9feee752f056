import { GateError } from '../domain/error.ts'

/** One load level of the file that perf_analyzer writes by `-f`. */
export interface CsvRow {
  /** Concurrency or request rate, as the file's first column has it. */
  readonly level: number
  readonly inferPerSec: number
  /** By percentile (50, 90, 95, 99 and the one that was asked for): whole µs, truncated by perf_analyzer, in ns. */
  readonly latencyNs: ReadonlyMap<number, number>
}

/** The rows of a report in perf_analyzer's order, which is rising throughput. @throws GateError `environment` where it is none */
export function parseCsv(text: string): CsvRow[] {
  const [header = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '')
  const columns = header.split(',')
  const levelColumn = columns.findIndex((name) => name === 'Concurrency' || name === 'Request Rate')
  const rateColumn = columns.indexOf('Inferences/Second')
  const percentiles = columns.flatMap((name, index) => {
    const match = /^p(\d+) latency$/.exec(name)
    return match === null ? [] : [{ index, percentile: Number(match[1]) }]
  })
  if (levelColumn !== 0 || rateColumn < 0 || percentiles.length === 0) throw unreadable(header)
  return lines.map((line) => {
    const cells = line.split(',')
    const numberAt = (index: number) => {
      const value = Number(cells[index] || Number.NaN)
      if (!Number.isFinite(value) || value < 0) throw unreadable(line)
      return value
    }
    return {
      level: numberAt(levelColumn),
      inferPerSec: numberAt(rateColumn),
      latencyNs: new Map(percentiles.map(({ index, percentile }) => [percentile, numberAt(index) * 1000])),
    }
  })
}

function unreadable(line: string): GateError {
  return new GateError(
    'environment',
    `perf_analyzer's CSV report has an unexpected line: ${line.slice(0, 200)}`,
    {
      hint: 'Use perf_analyzer 2.60 or a version near it.',
    },
  )
}
