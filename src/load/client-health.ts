import {
  type ELDHistogram,
  type EventLoopUtilization,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks'
import type { ClientHealth } from '../domain/scenario.ts'

/** Node's default; the histogram holds whole intervals, so this is taken off again. */
const resolutionMs = 10

/**
 * Above this share of busy time a closed loop measures its client. Busy is normal (a fast model is answered
 * by sending the next request), so the limit is where answers begin to queue up here: at 90 % a request waits
 * for the loop nine times as long as it is served by it (M/M/1), and the loop, not the server, sets the throughput.
 */
const maxUtilization = 0.9

/**
 * Above this share of late requests an open loop is not the load that was asked for. Not the 1 % at which
 * perf_analyzer warns: a window of 250 ms at 100 requests/s holds 25, so that one preemption would be
 * 4 %, while a client that cannot keep up is late with nearly all.
 */
const maxLateRatio = 0.1

/** Watches the instrument itself during the window. */
export class ClientHealthProbe {
  readonly #delay: ELDHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()
  #cpuNs = cpuTimeNs()
  #spentCpuNs = 0
  #busyShare = 0

  open(): void {
    this.#utilization = performance.eventLoopUtilization()
    this.#cpuNs = cpuTimeNs()
    this.#delay.enable()
  }

  close(): void {
    this.#busyShare = performance.eventLoopUtilization(this.#utilization).utilization
    this.#spentCpuNs = cpuTimeNs() - this.#cpuNs
    this.#delay.disable()
  }

  report(
    mode: 'concurrency' | 'requestRate',
    counts: { readonly completed: number; readonly requests: number; readonly late: number },
  ): ClientHealth {
    const lateRatio = mode === 'requestRate' ? counts.late / Math.max(1, counts.requests) : 0
    // An open loop spins while it waits for a due time: it is busy by design, so lateness alone tells.
    const saturated = mode === 'requestRate' ? lateRatio > maxLateRatio : this.#busyShare > maxUtilization
    const delayNs = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) - resolutionMs * 1e6
    return {
      eventLoopUtilization: this.#busyShare,
      eventLoopDelayP99Ns: Math.max(0, Math.round(delayNs)),
      cpuNsPerRequest: Math.round(this.#spentCpuNs / Math.max(1, counts.completed)),
      lateRatio,
      saturated,
    }
  }
}

/** User and system time of this thread; before Node 23.9 of the whole process, an upper bound. */
function cpuTimeNs(): number {
  const ofThread = process.threadCpuUsage as typeof process.threadCpuUsage | undefined
  const usage = ofThread?.() ?? process.cpuUsage()
  return (usage.user + usage.system) * 1000
}
