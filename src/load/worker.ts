// The load thread: nothing else runs here, so that nothing else is in the latencies. Imports no protobuf,
// no gRPC library and no schema code.
import { parentPort } from 'node:worker_threads'
import { asGateError, GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import { fromHrtime, hrtimeOf, nowNs, until } from './clock.ts'
import { runClosedLoop } from './closed-loop.ts'
import { Connection } from './connection.ts'
import { runOpenLoop } from './open-loop.ts'
import { Phases } from './phases.ts'
import type { Command, CommandMessage, LoadTarget, ReplyMessage, ThreadReport } from './protocol.ts'
import { Recorder } from './recorder.ts'
import { dueTimes } from './schedule.ts'
import { dealt, partOf, type Share } from './share.ts'
import { Tally } from './tally.ts'
import { ThreadProbe } from './thread-probe.ts'

type RunCommand = Extract<Command, { kind: 'run' }>

interface OpenTarget {
  readonly target: LoadTarget
  /** This thread's part of what is asked of the target. */
  readonly share: Share
  readonly connections: readonly [Connection, ...Connection[]]
  /** As Buffers, or node:http2 would make one of each frame for each request. */
  readonly frames: readonly Buffer[]
}

/** How often deadlines and the edges of the window are looked at when no request ends. */
const tickMs = 10

const targets = new Map<string, OpenTarget>()
let running = false

const port = parentPort
if (port === null) throw new Error('the load worker runs in a worker thread only')
port.on('message', ({ id, command }: CommandMessage) => {
  obey(command).then(
    (report) => {
      const reply: ReplyMessage = { id, ok: true, report }
      port.postMessage(reply, report === null ? [] : [report.latenciesNs.buffer as ArrayBuffer])
    },
    (cause: unknown) => {
      const { code, message, hint } = asGateError(cause)
      port.postMessage({ id, ok: false, code, message, hint } satisfies ReplyMessage)
    },
  )
})

async function obey(command: Command): Promise<ThreadReport | null> {
  switch (command.kind) {
    case 'open':
      await open(command.target, command.share)
      return null
    case 'run':
      return run(command)
    case 'closeTarget':
      close(command.targetId)
      return null
    default:
      return command satisfies never
  }
}

async function open(target: LoadTarget, share: Share): Promise<void> {
  if (targets.has(target.id)) throw new GateError('internal', `load target '${target.id}' is already open`)
  const connect = () => new Connection(target)
  const connections: [Connection, ...Connection[]] = [
    connect(),
    ...Array.from({ length: partOf(target.connections, share) - 1 }, connect),
  ]
  await Promise.all(connections.map((each) => new Promise<void>((resolve) => each.whenSettled(resolve))))
  const failed = connections.find((each) => !each.ready)
  if (failed !== undefined) {
    for (const each of connections) each.close()
    throw new GateError('server', `cannot connect to ${target.host}:${target.port}: ${failed.lastError}`, {
      hint: 'The port must be that of gRPC (8001 by default, not 8000 for HTTP or 8002 for metrics).',
    })
  }
  const frames = target.frames.map((frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength))
  targets.set(target.id, { target, share, connections, frames })
}

function close(targetId: string): void {
  for (const connection of targets.get(targetId)?.connections ?? []) connection.close()
  targets.delete(targetId)
}

async function run(command: RunCommand): Promise<ThreadReport> {
  const { targetId, load } = command
  const open = targets.get(targetId)
  if (open === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
  if (running) throw new GateError('internal', 'two windows at a time would measure each other')
  if (load.mode === 'concurrency') checkStreamLimit(open, load.concurrency)
  running = true
  try {
    return await measure(open, command)
  } finally {
    running = false
  }
}

async function measure(open: OpenTarget, { load, options, muster }: RunCommand): Promise<ThreadReport> {
  const { target, share, connections, frames } = open
  const probe = new ThreadProbe()
  // Alone it starts when it is told; with others when all do.
  const startNs = share.of === 1 ? nowNs() : fromHrtime(muster.startHrtimeNs)
  const phases = new Phases(
    startNs,
    options,
    () => probe.open(),
    () => probe.close(),
    new Tally(muster.tally),
  )
  const recorder = new Recorder(phases, frames, share, options, target.deadlineNs)
  await until(startNs)
  const ticker = setInterval(() => {
    const atNs = nowNs()
    phases.at(atNs)
    recorder.expire(atNs)
    probe.beat()
  }, tickMs)
  try {
    await drive(load, startNs, muster.seed, connections, share, recorder, target)
  } finally {
    clearInterval(ticker)
  }
  phases.finish(recorder.lastEndNs)
  const endNs = phases.endNs
  if (endNs === null) throw new GateError('internal', 'the load ended before its window')
  return {
    startHrtimeNs: hrtimeOf(phases.startNs),
    durationNs: Math.round(endNs - phases.startNs),
    ...recorder.report(),
    ...(await probe.report()),
  }
}

/** This thread's share of a load, to its end. */
function drive(
  load: Load,
  startNs: number,
  seed: number,
  connections: readonly [Connection, ...Connection[]],
  share: Share,
  recorder: Recorder,
  target: LoadTarget,
): Promise<void> {
  switch (load.mode) {
    case 'concurrency':
      return runClosedLoop(connections, partOf(load.concurrency, share), recorder)
    case 'requestRate': {
      const nextDueNs = dealt(dueTimes(load, startNs, seed), share)
      return runOpenLoop(connections, nextDueNs, recorder, target.deadlineNs)
    }
    default:
      return load satisfies never
  }
}

/** HTTP/2 would queue the streams above the peer's limit here, unseen: the concurrency would not be what it says. */
function checkStreamLimit({ target, share, connections }: OpenTarget, concurrency: number): void {
  const most = Math.ceil(partOf(concurrency, share) / connections.length)
  const limit = Math.min(...connections.map((each) => each.streamLimit))
  if (most <= limit) return
  throw new GateError(
    'server',
    `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
      `over ${target.connections} connection(s) needs ${most}`,
    { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' },
  )
}
