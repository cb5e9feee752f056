// The load thread: nothing else runs here, so that nothing else is in the latencies. Imports no protobuf,
// no gRPC library and no schema code.
import { parentPort } from 'node:worker_threads'
import { asGateError, GateError } from '../domain/error.ts'
import { fromHrtime, hrtimeOf, nowNs, until } from './clock.ts'
import { runClosedLoop } from './closed-loop.ts'
import { runOpenLoop } from './open-loop.ts'
import { Phases } from './phases.ts'
import type { Command, CommandMessage, ReplyMessage, ThreadReport } from './protocol.ts'
import { Recorder } from './recorder.ts'
import { Rendezvous } from './rendezvous.ts'
import { RequestLogger } from './request-log.ts'
import { ResponseTimes } from './response-times.ts'
import { dueTimes } from './schedule.ts'
import { SendTimes } from './send-times.ts'
import { type Senders, sendersOf } from './senders.ts'
import { dealt, partOf } from './share.ts'
import { Outstanding, Tally } from './tally.ts'
import { ThreadProbe } from './thread-probe.ts'
import { checkStreamLimit, closeThreadTarget, openThreadTarget, type ThreadTarget } from './thread-target.ts'

type RunCommand = Extract<Command, { kind: 'run' }>

/** How often deadlines and the edges of the window are looked at when no request ends. */
const tickMs = 10

const targets = new Map<string, ThreadTarget>()
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
      await open(command)
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

async function open({ target, share }: Extract<Command, { kind: 'open' }>): Promise<void> {
  if (targets.has(target.id)) throw new GateError('internal', `load target '${target.id}' is already open`)
  targets.set(target.id, await openThreadTarget(target, share))
}

function close(targetId: string): void {
  const opened = targets.get(targetId)
  if (opened !== undefined) closeThreadTarget(opened)
  targets.delete(targetId)
}

async function run(command: RunCommand): Promise<ThreadReport> {
  const { rendezvous } = command.muster
  const meeting = rendezvous === null ? null : new Rendezvous(rendezvous.memory, rendezvous.parties)
  let opened: ThreadTarget
  try {
    opened = readyFor(command)
  } catch (error) {
    meeting?.leave()
    throw error
  }
  running = true
  try {
    // Alone it starts when it is told; with others when all do.
    return await measure(opened, command, meeting === null ? nowNs() : fromHrtime(await meeting.start()))
  } finally {
    running = false
  }
}

function readyFor({ targetId, load }: RunCommand): ThreadTarget {
  const opened = targets.get(targetId)
  if (opened === undefined) throw new GateError('internal', `load target '${targetId}' is not open`)
  if (running) throw new GateError('internal', 'two windows at a time would measure each other')
  if (load.mode === 'concurrency') checkStreamLimit(opened, load.concurrency)
  return opened
}

async function measure(opened: ThreadTarget, command: RunCommand, startNs: number): Promise<ThreadReport> {
  const { load, options, muster } = command
  const probe = new ThreadProbe()
  const phases = new Phases(
    startNs,
    options,
    () => probe.open(),
    () => probe.close(),
    new Tally(muster.tally),
  )
  const responses = opened.target.streaming?.decoupled === true ? new ResponseTimes(phases) : null
  const logger = options.requestLog === true ? new RequestLogger() : null
  const sends = load.mode === 'requestRate' ? new SendTimes() : null
  const recorder = new Recorder(phases, opened, options, {
    responses,
    sends,
    logger,
    outstanding: muster.outstanding === null ? undefined : new Outstanding(muster.outstanding),
  })
  const run = sendersOf(opened, load, muster.seed)
  let closings = 0
  await until(startNs)
  const ticker = setInterval(() => {
    const atNs = nowNs()
    phases.at(atNs)
    recorder.expire(atNs)
    probe.beat()
  }, tickMs)
  try {
    await drive(opened, command, startNs, run.senders, recorder)
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
  { target, share }: ThreadTarget,
  { load, muster }: RunCommand,
  startNs: number,
  senders: Senders,
  recorder: Recorder,
): Promise<void> {
  switch (load.mode) {
    case 'concurrency':
      return runClosedLoop(senders, partOf(load.concurrency, share), recorder)
    case 'requestRate': {
      const nextDueNs = dealt(dueTimes(load, startNs, muster.seed), share)
      return runOpenLoop(senders, nextDueNs, recorder, target.deadlineNs)
    }
    default:
      return load satisfies never
  }
}
