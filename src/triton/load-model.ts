import { GateError, messageOf } from '../domain/error.ts'
import { nsPerMs, nsPerSecond, type World } from '../domain/world.ts'
import { isUnreaped } from '../system/process-tree.ts'
import type { TritonClient } from './client.ts'
import type { TritonServer } from './server.ts'
import { isStubDeath, logMessage, pollFailures } from './server-log.ts'

export interface LoadOptions {
  /** A whole ModelConfig as JSON; it replaces config.pbtxt for this load. */
  readonly configJson?: string | undefined
  readonly timeoutNs: number
}

/** Answer and log come by different ways. What only the other one tells gets this long to come, on a busy machine. */
const graceNs = 2 * nsPerSecond
const pollNs = 20 * nsPerMs
/** Triton itself sees that a stub has died within 2 to 4 s, but not while it waits for the first word of one. */
const deadStubNs = 10 * nsPerSecond
const stubPollNs = nsPerSecond

/**
 * Loads a model and explains a failure in the server's own words, of which the answer to the call holds
 * only a part. A model whose process cannot start, or dies while it imports, would leave the call without any answer
 * (seen with python backend 24.10): therefore log and processes are watched meanwhile, and the call has a deadline.
 */
export async function loadModel(
  world: World,
  server: TritonServer,
  client: TritonClient,
  name: string,
  { configJson, timeoutNs }: LoadOptions,
): Promise<void> {
  const lines: string[] = []
  let report: (trouble: string) => void = () => {}
  const trouble = new Promise<string>((resolve) => {
    report = resolve
  })
  const unlisten = server.onLogLine((line) => {
    lines.push(line)
    if (isStubDeath(line)) report(logMessage(line))
  })
  const onAbort = () => report('interrupted')
  world.signal.addEventListener('abort', onAbort, { once: true })
  void server.exited.then((code) => report(`the server ended with ${code ?? 'a signal'} while loading it`))

  let isAnswered = false
  const answer = client
    .load(name, { configJson, timeoutNs })
    .then(
      () => null,
      (error: unknown) => error,
    )
    .finally(() => {
      isAnswered = true
    })
  void watchStubs(world, server, () => isAnswered, report)
  try {
    const first = await Promise.race([answer, trouble])
    if (first === null) return
    if (typeof first !== 'string') {
      await untilLogged(world, server, first, lines)
      throw explain(name, first, lines)
    }
    if (world.signal.aborted) throw new GateError('interrupted', `interrupted while loading model '${name}'`)
    const late = await Promise.race([answer, world.sleep(graceNs).then(() => undefined)])
    if (late === null) return
    throw late === undefined || server.hasExited()
      ? new GateError('model', `model '${name}' did not load: ${withException(first, lines)}`, {
          hint: tailHint(lines),
        })
      : explain(name, late, lines)
  } finally {
    unlisten()
    world.signal.removeEventListener('abort', onAbort)
  }
}

/** Reports when a python model's process has ended, and the server goes on waiting for it. */
async function watchStubs(
  world: World,
  server: TritonServer,
  isAnswered: () => boolean,
  report: (trouble: string) => void,
): Promise<void> {
  const before = new Set(server.pids())
  // What is not on this machine cannot be seen.
  if (before.size === 0) return
  const seenNs = new Map<number, number>()
  while (!isAnswered() && !server.hasExited() && !world.signal.aborted) {
    await world.sleep(stubPollNs)
    const nowNs = world.nowNs()
    const ended = server
      .pids()
      .filter((pid) => !before.has(pid) && isUnreaped(pid, 'triton_python_backend_stub'))
    for (const pid of ended) seenNs.set(pid, seenNs.get(pid) ?? nowNs)
    if (ended.some((pid) => nowNs - (seenNs.get(pid) ?? nowNs) >= deadStubNs)) {
      report('its process in the python backend ended while it started, and the server waits on')
      return
    }
  }
}

/** Waits for the lines of the log that the answer leaves everything to. */
async function untilLogged(
  world: World,
  server: TritonServer,
  error: unknown,
  lines: readonly string[],
): Promise<void> {
  if (!messageOf(error).includes('failed to poll from model repository')) return
  const deadlineNs = world.nowNs() + graceNs
  while (
    pollFailures(lines).length === 0 &&
    world.nowNs() < deadlineNs &&
    !server.hasExited() &&
    !world.signal.aborted
  )
    await world.sleep(pollNs)
}

function explain(name: string, error: unknown, lines: readonly string[]): GateError {
  if (!(error instanceof GateError)) throw error
  const reasons = pollFailures(lines)
  const last = exceptionIn(lines)
  const ended = last === undefined ? [] : [`the server ended: ${last}`]
  const why = [error.message, ...reasons, ...ended].join('\n')
  const hint = reasons.length === 0 && error.code === 'server' ? `${patience} ${tailHint(lines)}` : undefined
  return new GateError('model', `model '${name}' did not load: ${why}`, { hint, cause: error })
}

/** Of an exception that ended a process; its stack, which follows, fills the tail. */
function exceptionIn(lines: readonly string[]): string | undefined {
  return lines
    .findLast((line) => /^\s*what\(\):/.test(line))
    ?.trim()
    .replace(/^what\(\):\s*/, '')
}

function withException(trouble: string, lines: readonly string[]): string {
  const last = exceptionIn(lines)
  return last === undefined ? trouble : `${trouble}: ${last}`
}

const patience = 'If it only needs longer, raise gate.model_load_timeout.'
/** Enough for a traceback. */
const tailLines = 20

/** What the server said since the load began. */
function tailHint(lines: readonly string[]): string {
  return lines.length === 0
    ? 'The server said nothing meanwhile.'
    : `The server's last words:\n${lines.slice(-tailLines).join('\n')}`
}

/** Unloads a model and waits until Triton says that it is gone; GPU memory may follow a little later. */
export async function unloadModel(
  world: World,
  client: TritonClient,
  name: string,
  { timeoutNs }: { readonly timeoutNs: number },
): Promise<void> {
  const deadlineNs = world.nowNs() + timeoutNs
  await client.unload(name)
  while (!world.signal.aborted) {
    const versions = (await client.repositoryIndex()).filter((model) => model.name === name)
    // Never loaded versions have no state.
    const gone = versions.every(
      ({ state, reason }) => state === '' || (state === 'UNAVAILABLE' && reason === 'unloaded'),
    )
    if (gone) return
    if (world.nowNs() > deadlineNs) {
      const states = versions.map(({ state, reason }) => `${state} ${reason}`.trim()).join(', ')
      throw new GateError(
        'server',
        `model '${name}' is not unloaded after ${timeoutNs / nsPerSecond} s: ${states}`,
      )
    }
    await world.sleep(50 * nsPerMs)
  }
  throw new GateError('interrupted', `interrupted while unloading model '${name}'`)
}
