import { GateError, messageOf } from '../domain/error.ts'
import { nsPerMs, nsPerSecond, type World } from '../domain/world.ts'
import type { TritonClient } from './client.ts'
import type { TritonServer } from './server.ts'
import { isStubDeath, pollFailures } from './server-log.ts'

export interface LoadOptions {
  /** A whole ModelConfig as JSON; it replaces config.pbtxt for this load. */
  readonly configJson?: string | undefined
  readonly timeoutNs: number
}

/** Answer and log come by different ways. What only the other one tells gets this long to come, on a busy machine. */
const graceNs = 2 * nsPerSecond
const pollNs = 20 * nsPerMs

/**
 * Loads a model and explains a failure in the server's own words, of which the answer to the call holds
 * only a part. A model whose process cannot start would leave the call without any answer (seen with
 * python backend 24.10): therefore the log is watched meanwhile, and the call has a deadline.
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
    if (isStubDeath(line)) report(line)
  })
  const onAbort = () => report('interrupted')
  world.signal.addEventListener('abort', onAbort, { once: true })
  void server.exited.then((code) => report(`the server ended with ${code ?? 'a signal'} while loading it`))

  const answer = client.load(name, { configJson, timeoutNs }).then(
    () => null,
    (error: unknown) => error,
  )
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
      ? new GateError('model', `model '${name}' did not load: ${first}`, { hint: tailHint(lines) })
      : explain(name, late, lines)
  } finally {
    unlisten()
    world.signal.removeEventListener('abort', onAbort)
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
  // Of an exception that ended the server; its stack, which follows, fills the tail.
  const last = lines
    .findLast((line) => /^\s*what\(\):/.test(line))
    ?.trim()
    .replace(/^what\(\):\s*/, '')
  const ended = last === undefined ? [] : [`the server ended: ${last}`]
  const why = [error.message, ...reasons, ...ended].join('\n')
  const hint = reasons.length === 0 && error.code === 'server' ? tailHint(lines) : undefined
  return new GateError('model', `model '${name}' did not load: ${why}`, { hint, cause: error })
}

/** Enough for a traceback. */
const tailLines = 20

/** What the server said since the load began. */
function tailHint(lines: readonly string[]): string {
  const patience = 'If it only needs longer, raise gate.model_load_timeout.'
  return lines.length === 0
    ? `The server said nothing meanwhile. ${patience}`
    : `${patience} The server's last words:\n${lines.slice(-tailLines).join('\n')}`
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
