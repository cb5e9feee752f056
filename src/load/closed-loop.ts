import { nowNs } from './clock.ts'
import type { Recorder } from './recorder.ts'
import type { Sender } from './sender.ts'

/**
 * Keeps `concurrency` requests outstanding, dealt evenly over the connections: each answer sends the next
 * request on its own connection. A connection that cannot be had is a failed request of each that waits for
 * it, at every attempt. Resolves when the recorder has had enough and nothing is outstanding.
 */
export function runClosedLoop(
  connections: readonly [Sender, ...Sender[]],
  concurrency: number,
  recorder: Recorder,
): Promise<void> {
  return new Promise((resolve) => {
    let outstanding = concurrency

    const next = (connection: Sender): void => {
      const atNs = nowNs()
      if (!recorder.goesOn(atNs)) {
        connection.stop?.()
        if (--outstanding === 0) resolve()
      } else if (connection.ready) {
        recorder.send(connection, atNs, () => next(connection))
      } else {
        connection.whenSettled(() => {
          if (!connection.ready) recorder.fail(nowNs(), 'connection', connection.lastError)
          next(connection)
        })
      }
    }

    for (let index = 0; index < concurrency; index++)
      next(connections[index % connections.length] ?? connections[0])
  })
}
