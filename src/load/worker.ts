// The load thread: nothing else runs here, so that nothing else is in the latencies. Imports no protobuf,
// no gRPC library and no schema code.
import { parentPort } from 'node:worker_threads'
import { asGateError, GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import { fromHrtime, hrtimeOf, nowNs, until } from './clock.ts'
import { runClosedLoop } from './closed-loop.ts'
import { Connection } from './connection.ts'
import { runOpenLoop } from './open-loop.ts'
import { type AnswerChecks, answerChecks } from './output-check.ts'
import { Phases } from './phases.ts'
import type { Command, CommandMessage, LoadTarget, ReplyMessage, ThreadReport } from './protocol.ts'
import { Recorder } from './recorder.ts'
import { Rendezvous } from './rendezvous.ts'
import { RequestLogger } from './request-log.ts'
import { ResponseTimes } from './response-times.ts'
import { dueTimes } from './schedule.ts'
import { SendTimes } from './send-times.ts'
import type { Outgoing } from './sender.ts'
import { type Line, makeLine, type Senders, sendersOf } from './senders.ts'
import { SequenceIds } from './sequences.ts'
import { dealt, partOf, type Share } from './share.ts'
import { Outstanding, Tally } from './tally.ts'
import { ThreadProbe } from './thread-probe.ts'

type RunCommand = Extract<Command, { kind: 'run' }>

interface OpenTarget {
  readonly target: LoadTarget
  /** This thread's part of what is asked of the target. */
  readonly share: Share
  readonly lines: readonly [Line, ...Line[]]
  /** Of its sequences: a run must not take up those of one before. */
  readonly ids: SequenceIds | null
  readonly requests: readonly Outgoing[]
  readonly checks: AnswerChecks
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
      port.postMessage(reply, report === null ? [] : buffersOf(report))
    },
    (cause: unknown) => {
      const { code, message, hint } = asGateError(cause)
      port.postMessage({ id, ok: false, code, message, hint } satisfies ReplyMessage)
    },
  )
})

/** Handed over instead of copied. */
function buffersOf({ latenciesNs, responses, sends, log }: ThreadReport): ArrayBuffer[] {
  const arrays = [
    latenciesNs,
    ...(responses === undefined ? [] : [responses.firstNs, responses.gapsNs]),
    ...(sends === undefined ? [] : [sends.serviceNs, sends.lagNs]),
    ...(log === undefined ? [] : [log.dueNs, log.sentNs, log.endNs, log.failure]),
  ]
  return arrays.map(({ buffer }) => buffer as ArrayBuffer)
}

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
    case 'end':
      return process.exit()
    default:
      return command satisfies never
  }
}

async function open(target: LoadTarget, share: Share): Promise<void> {
  if (targets.has(target.id)) throw new GateError('internal', `load target '${target.id}' is already open`)
  const line = () => makeLine(target, new Connection(target))
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
  targets.set(target.id, { target, share, lines, ids, requests, checks })
}

function close(targetId: string): void {
  const open = targets.get(targetId)
  for (const { connection } of open?.lines ?? []) connection.close()
  open?.checks.close()
  targets.delete(targetId)
}

async function run(command: RunCommand): Promise<ThreadReport> {
  const { rendezvous } = command.muster
  const meeting = rendezvous === null ? null : new Rendezvous(rendezvous.memory, rendezvous.parties)
  let open: OpenTarget
  try {
    open = readyFor(command)
  } catch (error) {
    meeting?.leave()
    throw error
  }
  running = true
  try {
    // Alone it starts when it is told; with others when all do.
    return await measure(open, command, meeting === null ? nowNs() : fromHrtime(await meeting.start()))
  } finally {
    running = false
  }
}

function readyFor({ targetId, load }: RunCommand): OpenTarget {
  const open = targets.get(targetId)
  if (open === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
  if (running) throw new GateError('internal', 'two windows at a time would measure each other')
  if (load.mode === 'concurrency') checkStreamLimit(open, load.concurrency)
  return open
}

async function measure(
  open: OpenTarget,
  { load, options, muster }: RunCommand,
  startNs: number,
): Promise<ThreadReport> {
  const { target, share, lines, ids, requests } = open
  const probe = new ThreadProbe()
  const phases = new Phases(
    startNs,
    options,
    () => probe.open(),
    () => probe.close(),
    new Tally(muster.tally),
  )
  const responses = target.streaming?.decoupled === true ? new ResponseTimes(phases) : null
  const logger = options.requestLog === true ? new RequestLogger() : null
  const sends = load.mode === 'requestRate' ? new SendTimes() : null
  const recorder = new Recorder(phases, requests, share, options, target.deadlineNs, {
    responses,
    sends,
    logger,
    outstanding: muster.outstanding === null ? undefined : new Outstanding(muster.outstanding),
  })
  const run = sendersOf(target, lines, load, share, ids, requests, muster.seed)
  let closings = 0
  await until(startNs)
  const ticker = setInterval(() => {
    const atNs = nowNs()
    phases.at(atNs)
    recorder.expire(atNs)
    probe.beat()
  }, tickMs)
  try {
    await drive(load, startNs, muster.seed, run.senders, share, recorder, target)
    closings = await run.finish()
  } finally {
    clearInterval(ticker)
  }
  phases.finish(recorder.lastEndNs)
  const endNs = phases.endNs
  if (endNs === null) throw new GateError('internal', 'the load ended before its window')
  const report = recorder.report()
  return {
    startHrtimeNs: hrtimeOf(phases.startNs),
    durationNs: Math.round(endNs - phases.startNs),
    lateStartNs: Math.max(0, (recorder.firstSentNs ?? endNs) - phases.startNs),
    ...report,
    issued: report.issued + closings,
    ...(responses === null ? {} : { responses: responses.report() }),
    ...(sends === null ? {} : { sends: sends.report() }),
    ...(logger === null ? {} : { log: logger.report(phases.startNs) }),
    ...(await probe.report()),
  }
}

/** This thread's share of a load, to its end. */
function drive(
  load: Load,
  startNs: number,
  seed: number,
  connections: Senders,
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
function checkStreamLimit({ target, share, lines }: OpenTarget, concurrency: number): void {
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
