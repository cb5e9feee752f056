import { batchSizeOf, type Load } from '../domain/load.ts'
import type { CsvRow } from './csv.ts'
import type { ProfileExport } from './profile-export.ts'

/** Both come from the same stamps; what may differ is a request on the edge of a window, and the digits of the CSV. */
const toleratedRatio = 0.01
/** perf_analyzer cuts latencies to whole µs. */
const cutNs = 1000

/** Where perf_analyzer's own figures are not those of its raw data, as sentences; none where they agree. */
export function crossCheck(load: Load, row: CsvRow, { windows }: ProfileExport): string[] {
  const durationNs = windows.reduce((sum, window) => sum + window.durationNs, 0)
  const sorted = Float64Array.from(windows.flatMap(({ latenciesNs }) => [...latenciesNs])).sort()
  const oneRequestPerSec = (batchSizeOf(load) * 1e9) / durationNs
  const inferPerSec = sorted.length * oneRequestPerSec
  const warnings: string[] = []
  if (Math.abs(inferPerSec - row.inferPerSec) > toleratedRatio * row.inferPerSec + oneRequestPerSec) {
    warnings.push(
      `perf_analyzer's report has ${row.inferPerSec} infer/s, its profile export ${inferPerSec.toFixed(1)}`,
    )
  }
  for (const [percentile, reportedNs] of row.latencyNs) {
    // Its rule of rounding the rank, not ours (inference_profiler.cc).
    const exportedNs = sorted[Math.floor((percentile / 100) * (sorted.length - 1) + 0.5)]
    if (exportedNs !== undefined && Math.abs(exportedNs - reportedNs) <= toleratedRatio * reportedNs + cutNs)
      continue
    const exported = exportedNs === undefined ? 'no request' : `${Math.round(exportedNs / 1000)} µs`
    warnings.push(
      `perf_analyzer's report has a p${percentile} of ${reportedNs / 1000} µs, its profile export ${exported}`,
    )
  }
  return warnings
}
