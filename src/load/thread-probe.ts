import {
  type ELDHistogram,
  type EventLoopUtilization,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks'
import type { ThreadHealth } from '../domain/scenario.ts'
import { nowNs } from './clock.ts'

/** Node's default; the histogram holds whole intervals, so this is taken off again. */
const resolutionMs = 10

/** Watches its own load thread during the window. */
export class ThreadProbe {
  readonly #delay: ELDHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #collector = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#countPause(entry)
  })
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()
  #cpuNs = 0
  #busyShare = 0
  #beatNs = 0
  #gapNs = 0
  #closedNs = Number.POSITIVE_INFINITY
  #gcPauseNs = 0
  #gcPauseMaxNs = 0

  open(): void {
    this.#collector.observe({ entryTypes: ['gc'] })
    this.#utilization = performance.eventLoopUtilization()
    this.#cpuNs = cpuTimeNs()
    this.#delay.enable()
    this.#beatNs = nowNs()
  }

  /** To be called at short intervals: the longest time between two calls is the gap. */
  beat(): void {
    if (this.#beatNs === 0) return
    const atNs = nowNs()
    this.#gapNs = Math.max(this.#gapNs, atNs - this.#beatNs)
    this.#beatNs = atNs
  }

  close(): void {
    this.#busyShare = performance.eventLoopUtilization(this.#utilization).utilization
    this.#cpuNs = cpuTimeNs() - this.#cpuNs
    this.#delay.disable()
    this.beat()
    this.#beatNs = 0
    this.#closedNs = nowNs()
  }

  async report(): Promise<{ readonly cpuNs: number; readonly health: ThreadHealth }> {
    // Node hands entries over in a later turn of the event loop, and to the observer in one after that.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    this.#collector.disconnect()
    const delayNs = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) - resolutionMs * 1e6
    return {
      cpuNs: this.#cpuNs,
      health: {
        eventLoopUtilization: this.#busyShare,
        eventLoopDelayP99Ns: Math.max(0, Math.round(delayNs)),
        eventLoopGapNs: Math.round(this.#gapNs),
        gcPauseNs: Math.round(this.#gcPauseNs),
        gcPauseMaxNs: Math.round(this.#gcPauseMaxNs),
      },
    }
  }

  #countPause({ startTime, duration }: PerformanceEntry): void {
    if (startTime * 1e6 >= this.#closedNs) return
    const pauseNs = duration * 1e6
    this.#gcPauseNs += pauseNs
    this.#gcPauseMaxNs = Math.max(this.#gcPauseMaxNs, pauseNs)
  }
}

/** User and system time of this thread; before Node 23.9 of the whole process, an upper bound. */
function cpuTimeNs(): number {
  const ofThread = process.threadCpuUsage as typeof process.threadCpuUsage | undefined
  const usage = ofThread?.() ?? process.cpuUsage()
  return (usage.user + usage.system) * 1000
}
