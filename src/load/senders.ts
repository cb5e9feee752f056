import type { Load } from '../domain/load.ts'
import type { Sender } from './sender.ts'
import { SequenceSender } from './sequence-sender.ts'
import { SequenceSource } from './sequences.ts'
import { partOf } from './share.ts'
import { StreamConnection } from './stream-connection.ts'
import type { ThreadTarget } from './thread-target.ts'

export type Senders = readonly [Sender, ...Sender[]]

/** What one run sends through, and what is left to do when it is over. */
export interface RunSenders {
  readonly senders: Senders
  /** Ends sequences that are still live. Returns how many requests that took. */
  readonly finish: () => Promise<number>
}

/**
 * The senders of a run: the connections or their streams, or, for a model with sequences, one for each live sequence: as
 * many as the closed loop's concurrency, or as the plan says for an open loop.
 */
export function sendersOf(opened: ThreadTarget, load: Load, seed: number): RunSenders {
  const { target, share, lines, ids, requests } = opened
  const plan = target.sequences
  if (plan === undefined || ids === null) {
    const [first, ...others] = lines
    const senders: Senders = [first.sender, ...others.map((line) => line.sender)]
    return { senders, finish: () => Promise.resolve(0) }
  }
  const source = new SequenceSource(plan, share, ids, requests.length, seed)
  const closed = load.mode === 'concurrency'
  // Unary requests may overtake each other, and a sequence's must not.
  const { streaming } = target
  const serial = closed || plan.serial || streaming === undefined
  const ordered: StreamConnection[] = []
  const slot = (index: number): SequenceSender => {
    const line = lines[index % lines.length] ?? lines[0]
    if (serial) return new SequenceSender(line.sender, source, requests, true)
    const own = new StreamConnection(line.connection, { ...streaming, ordered: true })
    ordered.push(own)
    return new SequenceSender(own, source, requests, false)
  }
  const count = Math.max(1, partOf(closed ? load.concurrency : plan.live, share))
  const slots: [SequenceSender, ...SequenceSender[]] = [
    slot(0),
    ...Array.from({ length: count - 1 }, (_, index) => slot(index + 1)),
  ]
  return {
    senders: slots,
    finish: async () => {
      await Promise.all(slots.map((each) => each.finish(target.deadlineNs / 1e6)))
      for (const each of ordered) each.close()
      return slots.reduce((total, { closings }) => total + closings, 0)
    },
  }
}
