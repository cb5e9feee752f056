import { nowNs } from './clock.ts'
import { GrowingArray } from './growing-array.ts'
import type { Phase, Phases } from './phases.ts'
import type { ThreadReport, WindowOptions } from './protocol.ts'
import type { RequestLogger } from './request-log.ts'
import type { ResponseTimes } from './response-times.ts'
import type { SendTimes } from './send-times.ts'
import type { Outgoing, Sender } from './sender.ts'
import { partOf, type Share } from './share.ts'
import { Outstanding } from './tally.ts'
import type { ThreadTarget } from './thread-target.ts'
import type { RequestEnd } from './unary-call.ts'

/** A request on its way. */
interface Flight {
  readonly originNs: number
  readonly sentNs: number
  readonly phase: Phase
  cancel: () => void
  readonly onEnd: () => void
  /** When its responses with data came; only of a model that may give several. */
  readonly responsesNs: number[]
}

/** A request sent more than this after it was due is late, as in perf_analyzer. */
const lateNs = 1e6

/** What is kept of a run's requests beside their latencies. */
export interface Collectors {
  readonly responses?: ResponseTimes | null
  readonly sends?: SendTimes | null
  readonly logger?: RequestLogger | null
  /** Shared with the targets that are under load at the same time. */
  readonly outstanding?: Outstanding | undefined
}

/** Sends the requests of one run and keeps what became of them. */
export class Recorder {
  #completed = 0
  #issued = 0
  /** Requests of the window; those of them that were sent late, and that were sent before it ended. */
  #requests = 0
  #late = 0
  #inTime = 0
  #firstFailure: string | null = null
  readonly #failures: Record<string, number> = {}
  readonly #phases: Phases
  readonly #outgoing: readonly Outgoing[]
  readonly #share: Share
  readonly #leadOutNs: number
  /** This thread's, where their number and not time ends the load. */
  readonly #requestCount: number | null
  readonly #deadlineNs: number
  readonly #responses: ResponseTimes | null
  readonly #sends: SendTimes | null
  readonly #logger: RequestLogger | null
  /** In the order of sending, so the oldest is first. */
  readonly #flights = new Set<Flight>()
  readonly #outstanding: Outstanding
  #firstSentNs: number | null = null
  #lastEndNs = 0
  readonly #latencies = new GrowingArray()

  constructor(
    phases: Phases,
    { target, share, requests }: ThreadTarget,
    { leadInNs, requestCount }: WindowOptions,
    { responses = null, sends = null, logger = null, outstanding = new Outstanding() }: Collectors,
  ) {
    this.#outstanding = outstanding
    this.#phases = phases
    this.#responses = responses
    this.#outgoing = requests
    this.#sends = sends
    this.#logger = logger
    this.#share = share
    this.#leadOutNs = leadInNs
    this.#requestCount = requestCount === undefined ? null : partOf(requestCount, share)
    this.#deadlineNs = target.deadlineNs
  }

  /** When the last request so far ended, however. */
  get lastEndNs(): number {
    return this.#lastEndNs
  }

  /** When the first request was sent; null before. */
  get firstSentNs(): number | null {
    return this.#firstSentNs
  }

  get inFlight(): number {
    return this.#flights.size
  }

  /**
   * Whether a request may (in an open loop: must) be sent at `atNs`. After the window the load is held up
   * while requests of the window are out, those of other targets under load too, or their last ones would run on an
   * emptying server: for as long as the lead-in at most.
   */
  goesOn(atNs: number): boolean {
    if (this.#requestCount !== null) return this.#requests < this.#requestCount
    if (this.#phases.at(atNs) !== 'leadOut') return true
    const endNs = this.#phases.endNs ?? atNs
    return this.#outstanding.any && atNs < endNs + this.#leadOutNs
  }

  /** Sends one; its latency counts from `originNs`. `onEnd` comes right at its end, before it is written down. */
  send(connection: Sender, originNs: number, onEnd: () => void): void {
    const phase = this.#admit(originNs)
    const request =
      this.#outgoing[(this.#share.index + this.#issued * this.#share.of) % this.#outgoing.length]
    if (request === undefined) throw new RangeError('a target without frames')
    this.#issued++
    const sentNs = nowNs()
    this.#firstSentNs ??= sentNs
    const flight: Flight = { originNs, sentNs, phase, onEnd, responsesNs: [], cancel: () => undefined }
    this.#flights.add(flight)
    if (phase === 'window') {
      if (sentNs - originNs > lateNs) this.#late++
      if (this.#phases.at(sentNs) === 'window') this.#inTime++
      this.#outstanding.sent()
    }
    const ended: RequestEnd = (failure, message, endNs, wrongOutput) => {
      this.#land(flight)
      this.#phases.at(endNs)
      onEnd()
      const wrong = wrongOutput?.() ?? null
      if (wrong === null) this.#record(flight, failure, message, endNs)
      else this.#record(flight, 'wrong_output', wrong, endNs)
    }
    const responses = this.#responses
    if (responses === null) {
      flight.cancel = connection.send(request, ended)
      return
    }
    flight.cancel = connection.send(request, ended, (atNs) => {
      this.#phases.at(atNs)
      responses.arrived(atNs)
      flight.responsesNs.push(atNs)
    })
  }

  /** A request that could not even be sent. */
  fail(originNs: number, failure: string, message: string): void {
    if (this.#admit(originNs) === 'window') this.#fail(failure, message)
    this.#lastEndNs = nowNs()
    this.#logger?.add(originNs, Number.NaN, this.#lastEndNs, failure)
  }

  /** Gives up what has been under way for longer than the deadline. */
  expire(atNs: number): void {
    for (const flight of this.#flights) {
      if (atNs - flight.originNs < this.#deadlineNs) return
      flight.cancel()
      this.#land(flight)
      flight.onEnd()
      this.#record(flight, 'deadline', `no answer within ${this.#deadlineNs / 1e9} s`, atNs)
    }
  }

  report(): Omit<
    ThreadReport,
    'startHrtimeNs' | 'durationNs' | 'lateStartNs' | 'responses' | 'sends' | 'log' | 'cpuNs' | 'health'
  > {
    return {
      latenciesNs: this.#latencies.toArray().sort(),
      completed: this.#completed,
      issued: this.#issued,
      requests: this.#requests,
      late: this.#late,
      inTime: this.#inTime,
      failures: this.#failures,
      firstFailure: this.#firstFailure,
    }
  }

  #admit(originNs: number): Phase {
    const phase = this.#phases.at(originNs)
    if (phase === 'window') {
      this.#phases.countRequest(originNs)
      this.#requests++
    }
    return phase
  }

  #land(flight: Flight): void {
    this.#flights.delete(flight)
    if (flight.phase === 'window') this.#outstanding.ended()
  }

  #record(flight: Flight, failure: string | null, message: string, endNs: number): void {
    this.#lastEndNs = endNs
    this.#logger?.add(flight.originNs, flight.sentNs, endNs, failure)
    if (failure === null) {
      if (this.#phases.includes(endNs)) this.#completed++
      if (flight.phase === 'window') {
        this.#latencies.push(Math.round(endNs - flight.originNs))
        this.#sends?.add(flight.originNs, flight.sentNs, endNs)
        this.#responses?.add(flight.originNs, flight.responsesNs)
      }
    } else if (flight.phase === 'window') {
      this.#fail(failure, message)
    }
  }

  #fail(failure: string, message: string): void {
    this.#failures[failure] = (this.#failures[failure] ?? 0) + 1
    this.#firstFailure ??= message === '' ? failure : `${failure}: ${message}`
  }
}
