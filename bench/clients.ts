import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Stretch, StretchResult } from './clients/protocol.ts'
import { startPerfAnalyzer } from './perf-analyzer.ts'

/** A client under one stretch of load: its process, and what it says itself in the end. */
interface Running {
  readonly pid: number
  readonly result: Promise<Pick<StretchResult, 'latencyP50Ns' | 'latencyP99Ns' | 'accountedRatio'>>
}

export interface BenchClient {
  readonly name: 'ours' | 'perf_analyzer' | 'grpc-js'
  readonly start: (stretch: Stretch) => Running
  readonly close: () => void
}

/** A Node client keeps its process over all stretches, as the gate does; perf_analyzer is a process for each. */
export async function openNodeClient(name: 'ours' | 'grpc-js'): Promise<BenchClient> {
  const child = fork(join(import.meta.dirname, 'clients', `${name}.ts`), { serialization: 'advanced' })
  await once(child, 'message')
  return {
    name,
    start: (stretch) => {
      child.send(stretch)
      const result = once(child, 'message').then(([reply]) => {
        const stretchResult = reply as StretchResult
        if (stretchResult.failed > 0) throw new Error(`${name}: ${stretchResult.failed} requests failed`)
        return stretchResult
      })
      return { pid: child.pid ?? 0, result }
    },
    close: () => child.disconnect(),
  }
}

/** perf_analyzer's shortest run: three windows, whatever they vary by. */
export function perfAnalyzerClient(program: string): BenchClient {
  return {
    name: 'perf_analyzer',
    start: ({ target, model, concurrency, durationNs }) => {
      // It waits 1.2 times the interval, three times.
      const intervalMs = Math.round(durationNs / 1e6 / 3.6)
      const { pid, row } = startPerfAnalyzer(program, [
        ...['-m', model, '-i', 'grpc', '-u', `${target.host}:${target.port}`],
        ...['--concurrency-range', `${concurrency}:${concurrency}:1`, '--input-data', 'zero'],
        ...['--measurement-interval', String(intervalMs)],
        ...['--stability-percentage', '100000', '--max-trials', '3'],
      ])
      const latencyOf = (latencyNs: ReadonlyMap<number, number>, percentile: number) =>
        // Truncated to whole µs: half a µs more is right on average.
        (latencyNs.get(percentile) ?? Number.NaN) + 500
      const result = row.then(({ latencyNs }) => ({
        latencyP50Ns: latencyOf(latencyNs, 50),
        latencyP99Ns: latencyOf(latencyNs, 99),
        accountedRatio: null,
      }))
      return { pid, result }
    },
    close: () => {},
  }
}
