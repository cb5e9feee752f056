import type { ComposingModel } from '../../src/domain/composing.ts'
import type { SearchMetrics } from '../../src/search/state.ts'

/** A composing model of a simulated ensemble. */
export interface Stage {
  readonly model: string
  readonly instances: number
  /** 1 without the dynamic batcher. */
  readonly largestBatch: number
  /** Of a batch, where it runs alone. */
  readonly executionMs: (batch: number) => number
  /** Executions beyond this many processors slow each other; null = it only waits. */
  readonly processors: number | null
}

interface Request {
  startMs: number
  arrivedMs: number
}

/**
 * What the server and the client would say of a closed loop through the stages, by playing every request: first come first
 * served, a free instance takes what waits, up to its largest batch. Nothing of it is taken from the queueing network that the
 * search foretells with.
 */
export function playPipeline(
  stages: readonly Stage[],
  concurrency: number,
): { readonly metrics: SearchMetrics; readonly composing: readonly ComposingModel[] } {
  const state = stages.map((stage) => ({
    ...stage,
    queue: [] as Request[],
    running: [] as { endMs: number; batch: Request[] }[],
    requests: 0,
    executions: 0,
    queueMs: 0,
    computeMs: 0,
  }))
  const wanted = 300 + 6 * concurrency
  const latencies: number[] = []
  let [nowMs, warmMs, done] = [0, 0, 0]
  const arrive = (request: Request, index: number) => {
    request.arrivedMs = nowMs
    state[index]?.queue.push(request)
  }
  const start = () => {
    for (const stage of state) {
      while (stage.queue.length > 0 && stage.running.length < stage.instances) {
        const batch = stage.queue.splice(0, stage.largestBatch)
        const { processors } = stage
        const busy =
          1 +
          state.reduce((sum, { running, processors: own }) => sum + (own === null ? 0 : running.length), 0)
        const slower = processors === null ? 1 : Math.max(1, busy / processors)
        const ms = stage.executionMs(batch.length) * slower
        stage.running.push({ endMs: nowMs + ms, batch })
        if (latencies.length === 0 && done < concurrency) continue
        stage.requests += batch.length
        stage.executions++
        stage.computeMs += ms * batch.length
        stage.queueMs += batch.reduce((sum, { arrivedMs }) => sum + nowMs - arrivedMs, 0)
      }
    }
  }
  for (let i = 0; i < concurrency; i++) arrive({ startMs: 0, arrivedMs: 0 }, 0)
  while (latencies.length < wanted) {
    start()
    const ends = state.flatMap(({ running }) => running.map(({ endMs }) => endMs))
    nowMs = Math.min(...ends)
    for (const [index, stage] of state.entries()) {
      const ended = stage.running.filter(({ endMs }) => endMs <= nowMs)
      stage.running = stage.running.filter(({ endMs }) => endMs > nowMs)
      for (const request of ended.flatMap(({ batch }) => batch)) {
        if (index + 1 < state.length) {
          arrive(request, index + 1)
          continue
        }
        done++
        if (done === 2 * concurrency) warmMs = nowMs
        if (done > 2 * concurrency) latencies.push(nowMs - request.startMs)
        arrive({ startMs: nowMs, arrivedMs: nowMs }, 0)
      }
    }
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    metrics: {
      inferPerSec: (1000 * wanted) / (nowMs - warmMs),
      latencyAvgNs: (1e6 * latencies.reduce((sum, ms) => sum + ms, 0)) / wanted,
      latencyP99Ns: 1e6 * (sorted[Math.floor(0.99 * wanted)] ?? 0),
    },
    composing: state.map(({ model, requests, executions, queueMs, computeMs }) => ({
      model,
      via: 'step',
      requestCount: requests,
      failCount: 0,
      requestsPerRequest: 1,
      serverQueueNs: (1e6 * queueMs) / Math.max(1, requests),
      serverComputeInputNs: 0,
      serverComputeInferNs: (1e6 * computeMs) / Math.max(1, requests),
      serverComputeOutputNs: 0,
      executedBatchSize: requests / Math.max(1, executions),
      cacheHitCount: 0,
    })),
  }
}
