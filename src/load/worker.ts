// The load thread: nothing else runs here, so that nothing else is in the latencies. Imports no protobuf,
// no gRPC library and no schema code.
import { parentPort } from 'node:worker_threads'
import { asGateError, GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import { ClientHealthProbe } from './client-health.ts'
import { hrtimeOf, nowNs } from './clock.ts'
import { runClosedLoop } from './closed-loop.ts'
import { Connection } from './connection.ts'
import { runOpenLoop } from './open-loop.ts'
import { Phases } from './phases.ts'
import type {
  Command,
  CommandMessage,
  LoadTarget,
  ReplyMessage,
  WindowOptions,
  WindowReport,
} from './protocol.ts'
import { Recorder } from './recorder.ts'
import { dueTimes } from './schedule.ts'

interface OpenTarget {
  readonly target: LoadTarget
  readonly connections: readonly [Connection, ...Connection[]]
  /** As Buffers, or node:http2 would make one of each frame for each request. */
  readonly frames: readonly Buffer[]
  windows: number
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

async function obey(command: Command): Promise<WindowReport | null> {
  switch (command.kind) {
    case 'open':
      await open(command.target)
      return null
    case 'run':
      return run(command.targetId, command.load, command.options)
    case 'closeTarget':
      close(command.targetId)
      return null
    default:
      return command satisfies never
  }
}

async function open(target: LoadTarget): Promise<void> {
  if (targets.has(target.id)) throw new GateError('internal', `load target '${target.id}' is already open`)
  const connect = () => new Connection(target)
  const connections: [Connection, ...Connection[]] = [
    connect(),
    ...Array.from({ length: target.connections - 1 }, connect),
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
  targets.set(target.id, { target, connections, frames, windows: 0 })
}

function close(targetId: string): void {
  for (const connection of targets.get(targetId)?.connections ?? []) connection.close()
  targets.delete(targetId)
}

async function run(targetId: string, load: Load, options: WindowOptions): Promise<WindowReport> {
  const open = targets.get(targetId)
  if (open === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
  if (running) throw new GateError('internal', 'two windows at a time would measure each other')
  if (load.mode === 'concurrency') checkStreamLimit(open, load.concurrency)
  running = true
  try {
    return await measure(open, load, options)
  } finally {
    running = false
  }
}

async function measure(open: OpenTarget, load: Load, options: WindowOptions): Promise<WindowReport> {
  const { target, connections, frames } = open
  const probe = new ClientHealthProbe()
  const startNs = nowNs()
  const phases = new Phases(
    startNs,
    options,
    () => probe.open(),
    () => probe.close(),
  )
  const recorder = new Recorder(phases, frames, options.leadInNs, target.deadlineNs)
  const ticker = setInterval(() => {
    const atNs = nowNs()
    phases.at(atNs)
    recorder.expire(atNs)
  }, tickMs)
  try {
    if (load.mode === 'concurrency') {
      await runClosedLoop(connections, load.concurrency, recorder)
    } else {
      const seed = options.seed ?? open.windows
      await runOpenLoop(connections, dueTimes(load, startNs, seed), recorder, target.deadlineNs)
    }
  } finally {
    clearInterval(ticker)
  }
  open.windows++
  const endNs = phases.endNs
  if (endNs === null) throw new GateError('internal', 'the load ended before its window')
  return {
    startHrtimeNs: hrtimeOf(phases.startNs),
    durationNs: Math.round(endNs - phases.startNs),
    latenciesNs: recorder.sortedLatencies(),
    completed: recorder.completed,
    issued: recorder.issued,
    failures: recorder.failures,
    firstFailure: recorder.firstFailure,
    client: probe.report(load.mode, recorder),
  }
}

/** HTTP/2 would queue the streams above the peer's limit here, unseen: the concurrency would not be what it says. */
function checkStreamLimit({ target, connections }: OpenTarget, concurrency: number): void {
  const most = Math.ceil(concurrency / connections.length)
  const limit = Math.min(...connections.map((each) => each.streamLimit))
  if (most <= limit) return
  throw new GateError(
    'server',
    `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
      `over ${connections.length} connection(s) needs ${most}`,
    { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' },
  )
}
