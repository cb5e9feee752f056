import { nowNs } from './clock.ts'
import type { Recorder } from './recorder.ts'
import type { Sender } from './sender.ts'

/**
 * Timers of Node fire up to 1 ms (busy machines: several) after their time. So it sleeps to 1 ms before the
 * next request is due and spins the event loop from there: at 500 requests/s and more it never sleeps.
 */
const spinMs = 1

/** How often a dispatcher that has to wait for room or a connection looks again if no answer wakes it. */
const blockedMs = 1

/**
 * Sends each request when it is due, whatever became of the earlier ones; the latency runs from the due time
 * (no coordinated omission). A due request waits while there is no room on any connection, until its deadline;
 * where no connection can be had it has failed. Resolves when the recorder has had enough and nothing is outstanding.
 */
export function runOpenLoop(
  connections: readonly Sender[],
  nextDueNs: () => number,
  recorder: Recorder,
  deadlineNs: number,
): Promise<void> {
  return new Promise((resolve) => {
    let dueNs = nextDueNs()
    let blocked = false
    let armed = false
    let finished = false
    let turn = 0

    /** The next connection in turn that takes a request now. */
    const pick = (): Sender | undefined => {
      for (let tried = 0; tried < connections.length; tried++) {
        const connection = connections[turn++ % connections.length]
        if (connection?.ready === true && connection.hasRoom) return connection
        connection?.wake()
      }
      return undefined
    }

    const onEnd = () => {
      if (finished) {
        if (recorder.inFlight === 0) resolve()
      } else if (blocked) {
        dispatch()
      }
    }

    const dispatch = (): void => {
      blocked = false
      while (!finished && dueNs <= nowNs()) {
        if (!recorder.goesOn(dueNs)) {
          finished = true
          for (const each of connections) each.stop?.()
          if (recorder.inFlight === 0) resolve()
          return
        }
        const connection = pick()
        if (connection !== undefined) recorder.send(connection, dueNs, onEnd)
        else if (connections.every((each) => each.resting)) {
          recorder.fail(dueNs, 'connection', connections[0]?.lastError ?? '')
        } else if (nowNs() - dueNs > deadlineNs) {
          recorder.fail(dueNs, 'deadline', 'the request could not be sent in time')
        } else {
          blocked = true
          break
        }
        dueNs = nextDueNs()
      }
      arm()
    }

    const arm = () => {
      if (armed || finished) return
      armed = true
      const fire = () => {
        armed = false
        dispatch()
      }
      const sleepMs = blocked ? blockedMs : Math.floor((dueNs - nowNs()) / 1e6 - spinMs)
      if (sleepMs >= 1) setTimeout(fire, sleepMs)
      else setImmediate(fire)
    }

    dispatch()
  })
}
