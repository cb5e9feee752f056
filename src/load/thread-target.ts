import { GateError } from '../domain/error.ts'
import { Connection } from './connection.ts'
import { type AnswerChecks, answerChecks } from './output-check.ts'
import type { LoadTarget } from './protocol.ts'
import type { Outgoing, Sender } from './sender.ts'
import { SequenceIds } from './sequences.ts'
import { partOf, type Share } from './share.ts'
import { StreamConnection } from './stream-connection.ts'

/** What outlives the runs of a target, one for each connection. */
interface Line {
  readonly connection: Connection
  /** The connection itself, or its streams. */
  readonly sender: Sender
}

/** A target as one load thread has it open. */
export interface ThreadTarget {
  readonly target: LoadTarget
  /** This thread's part of what is asked of the target. */
  readonly share: Share
  readonly lines: readonly [Line, ...Line[]]
  /** Of its sequences: a run must not take up those of one before. */
  readonly ids: SequenceIds | null
  readonly requests: readonly Outgoing[]
  readonly checks: AnswerChecks
}

/** Connects. @throws GateError `server` where no connection is to be had */
export async function openThreadTarget(target: LoadTarget, share: Share): Promise<ThreadTarget> {
  const line = () => makeLine(target)
  const lines: [Line, ...Line[]] = [
    line(),
    ...Array.from({ length: partOf(target.connections, share) - 1 }, line),
  ]
  const connections = lines.map(({ connection }) => connection)
  await Promise.all(connections.map((each) => new Promise<void>((resolve) => each.whenSettled(resolve))))
  const failed = connections.find((each) => !each.ready)
  if (failed !== undefined) {
    for (const each of connections) each.close()
    throw new GateError('server', `cannot connect to ${target.host}:${target.port}: ${failed.lastError}`, {
      hint: 'The port must be that of gRPC (8001 by default, not 8000 for HTTP or 8002 for metrics).',
    })
  }
  const checks = answerChecks(target.check, target.frames.length)
  const requests = target.frames.map((frame, index) => ({
    frame: Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength),
    check: checks.ofFrames[index] ?? null,
  }))
  const ids = target.sequences === undefined ? null : new SequenceIds(target.sequences, share)
  return { target, share, lines, ids, requests, checks }
}

export function closeThreadTarget({ lines, checks }: ThreadTarget): void {
  for (const { connection } of lines) connection.close()
  checks.close()
}

function makeLine(target: LoadTarget): Line {
  const connection = new Connection(target)
  const sender =
    target.streaming === undefined ? connection : new StreamConnection(connection, target.streaming)
  return { connection, sender }
}

/** HTTP/2 would queue the streams above the peer's limit here, unseen: the concurrency would not be what it says. */
export function checkStreamLimit({ target, share, lines }: ThreadTarget, concurrency: number): void {
  const most = Math.ceil(partOf(concurrency, share) / lines.length)
  const limit = Math.min(...lines.map(({ connection }) => connection.streamLimit))
  if (most <= limit) return
  throw new GateError(
    'server',
    `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
      `over ${target.connections} connection(s) needs ${most}`,
    { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' },
  )
}
