import type { GrpcAddress } from '../domain/endpoint.ts'
import type { Environment } from '../domain/environment.ts'
import { GateError, messageOf } from '../domain/error.ts'
import { type LaunchedProcess, nsPerMs, nsPerSecond, type World } from '../domain/world.ts'
import { processTree } from '../system/process-tree.ts'
import { connectTriton, type TritonClient } from './client.ts'
import type { Launcher, ServerPorts } from './launcher.ts'
import { freePorts } from './ports.ts'
import { createServerLog, isBadUsage, isPortTaken, type ServerLog } from './server-log.ts'
import { unloadAll } from './unload-all.ts'

/** A Triton that runs and answers. Ours ends with this process, however that ends. */
export interface TritonServer {
  readonly mode: Environment['triton']['mode']
  readonly source: string
  /** As the server says it, e.g. 2.51.0. */
  readonly version: string
  readonly grpc: GrpcAddress
  readonly metricsUrl: string | null
  /** The server and its children now, as this machine numbers them; none for a remote one. */
  readonly pids: () => number[]
  readonly logTail: (count: number) => string[]
  /** Calls the listener for each line of the log from now on; gives the function that ends it. */
  readonly onLogLine: (listener: (line: string) => void) => () => void
  /** Resolves with the exit code when the server has ended; never for a remote one. */
  readonly exited: Promise<number | null>
  readonly hasExited: () => boolean
  /** Ends the server and waits until it is gone. A remote one goes on. */
  readonly stop: () => Promise<void>
}

export interface StartOptions {
  /** Absolute path of the model repository; it is not written to. */
  readonly repository: string
  readonly onLog?: (line: string) => void
  /** Of tritonserver, beside the launcher's; only where the launcher's command is tritonserver itself. */
  readonly flags?: readonly string[]
  /** Chooses the ports; tests choose badly. */
  readonly pickPorts?: () => Promise<ServerPorts>
}

/** Each try takes other ports at random: five clashes in a row mean something else. */
const portTries = 5
/** A stop takes 2 to 4 s; the server itself gives up waiting for requests after 8 s. */
const stopGraceNs = 10 * nsPerSecond
/**
 * A server without models has nothing left to end in good order, and would only sleep: it looks for signals
 * once a second (main.cc).
 */
const emptyGraceNs = 50 * nsPerMs
const pollNs = 50 * nsPerMs
const askTimeoutNs = nsPerSecond
/** Enough for the server's last words; its tables of options come earlier. */
const tailLines = 20

/** Starts a server without any model loaded and waits until it is ready; or reaches the remote one. */
export async function startServer(
  world: World,
  launcher: Launcher,
  options: StartOptions,
): Promise<TritonServer> {
  if (launcher.kind === 'endpoint') return reachServer(world, launcher)
  for (let tries = 1; ; tries += 1) {
    const ports = await (options.pickPorts ?? freePorts)()
    const started = await startOnce(world, launcher, options, ports)
    if (started !== 'port taken') return started
    if (tries === portTries) {
      throw new GateError('environment', `no free port for the server was found in ${portTries} tries`, {
        hint: 'Another program takes the ports of 127.0.0.1 as soon as they are chosen.',
      })
    }
    world.progress(`port ${ports.grpc} or ${ports.metrics} was taken meanwhile, trying others`)
  }
}

type ProcessLauncher = Extract<Launcher, { kind: 'process' }>

async function startOnce(
  world: World,
  launcher: ProcessLauncher,
  options: StartOptions,
  ports: ServerPorts,
): Promise<TritonServer | 'port taken'> {
  const log = createServerLog()
  const command = launcher.serverCommand(options.repository, ports)
  const launched = world.launch(command.command, [...command.args, ...(options.flags ?? [])], {
    env: command.env,
    onLine: (line) => {
      log.add(line)
      options.onLog?.(line)
    },
  })
  const grpc = { host: '127.0.0.1', port: ports.grpc, tls: false }
  let stopped: Promise<void> | null = null
  const end = async (ready: boolean) => {
    const empty = ready && !launched.hasExited() && !world.signal.aborted && (await unloadAll(world, grpc))
    await launched.stop(empty ? emptyGraceNs : stopGraceNs)
    await command.cleanUp()
  }
  const stop = (ready = true) => (stopped ??= end(ready))
  const metricsUrl = launcher.hasMetrics ? `http://127.0.0.1:${ports.metrics}/metrics` : null
  try {
    const version = await untilReady(world, launcher, grpc, metricsUrl, launched, log)
    const root = await command.rootPid(launched.pid)
    return describe(launcher, { version, grpc, metricsUrl, log, launched, root, stop })
  } catch (error) {
    await stop(false)
    if (log.tail(Number.POSITIVE_INFINITY).some(isPortTaken) && !world.signal.aborted) return 'port taken'
    throw error
  }
}

interface Running {
  readonly version: string
  readonly grpc: GrpcAddress
  readonly metricsUrl: string | null
  readonly log: ServerLog
  readonly launched: LaunchedProcess
  readonly root: number
  readonly stop: () => Promise<void>
}

function describe(launcher: ProcessLauncher, running: Running): TritonServer {
  const { version, grpc, metricsUrl, log, launched, root, stop } = running
  return {
    mode: launcher.mode,
    source: launcher.source,
    version,
    grpc,
    metricsUrl,
    pids: () => processTree(root),
    logTail: log.tail,
    onLogLine: log.listen,
    exited: launched.exited,
    hasExited: launched.hasExited,
    stop: () => stop(),
  }
}

/**
 * Waits until the server answers, and gives its version. The metrics port opens last: when it answers,
 * too, the ports are this server's own and not those of another one that took them first.
 */
async function untilReady(
  world: World,
  launcher: Launcher,
  grpc: GrpcAddress,
  metricsUrl: string | null,
  launched: LaunchedProcess | null,
  log: ServerLog,
): Promise<string> {
  const deadlineNs = world.nowNs() + launcher.startTimeoutNs
  const client = connectTriton(grpc)
  let lastError: unknown = null
  try {
    while (world.nowNs() < deadlineNs) {
      if (world.signal.aborted)
        throw new GateError('interrupted', 'interrupted while the server was starting')
      if (launched?.hasExited() === true) throw await endedEarly(launcher, launched, log)
      try {
        if ((await isReady(client)) && (metricsUrl === null || (await answers(metricsUrl)))) {
          const { version } = await client.serverMetadata()
          if (launched?.hasExited() !== true) return version
        }
      } catch (error) {
        lastError = error
        if (launcher.kind === 'endpoint') throwIfRefused(launcher, error)
      }
      await world.sleep(pollNs)
    }
  } finally {
    client.close()
  }
  throw notReady(launcher, lastError, log)
}

/** A server that is there and refuses us will not come round by waiting. */
function throwIfRefused(launcher: Launcher, error: unknown): void {
  const message = messageOf(error)
  const hint = /protocol is restricted/i.test(message)
    ? 'Give the key as `gate: {grpc_metadata: {triton-grpc-protocol-<key>: {env: <variable>}}}`.'
    : /certificate|self[- ]signed|altname|issuer|ssl routines|tlsv1/i.test(message)
      ? 'Check the name in the address, and perf_analyzer_flags.ssl-grpc-root-certifications-file, ssl-grpc-private-key-file and ssl-grpc-certificate-chain-file.'
      : null
  if (hint === null) return
  throw new GateError('server', `Triton (${launcher.mode}: ${launcher.source}) refuses: ${message}`, {
    hint,
    cause: error,
  })
}

async function isReady(client: TritonClient): Promise<boolean> {
  return client.serverReady(askTimeoutNs)
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(askTimeoutNs / nsPerMs) })
  await response.arrayBuffer()
  return response.ok
}

async function endedEarly(launcher: Launcher, launched: LaunchedProcess, log: ServerLog): Promise<GateError> {
  const code = await launched.exited
  const how = code === null ? 'was killed' : `ended with exit code ${code}`
  return new GateError('server', `Triton (${launcher.mode}: ${launcher.source}) ${how} while starting`, {
    hint: tailHint(log),
  })
}

function notReady(launcher: Launcher, lastError: unknown, log: ServerLog): GateError {
  const waited = `${launcher.startTimeoutNs / nsPerSecond} s`
  const why = lastError instanceof Error ? `: ${lastError.message}` : ''
  return new GateError(
    'server',
    `Triton (${launcher.mode}: ${launcher.source}) was not ready after ${waited}${why}`,
    {
      hint: launcher.kind === 'endpoint' ? 'Is its gRPC port reachable from here?' : tailHint(log),
      cause: lastError,
    },
  )
}

function tailHint(log: ServerLog): string {
  const usage = log.tail(Number.POSITIVE_INFINITY).find(isBadUsage)
  if (usage !== undefined) return `It says: ${usage}`
  const tail = log.tail(tailLines)
  return tail.length === 0 ? 'It wrote no log.' : `The end of its log:\n${tail.join('\n')}`
}

async function reachServer(
  world: World,
  launcher: Extract<Launcher, { kind: 'endpoint' }>,
): Promise<TritonServer> {
  const version = await untilReady(world, launcher, launcher.grpc, null, null, createServerLog())
  return {
    mode: launcher.mode,
    source: launcher.source,
    version,
    grpc: launcher.grpc,
    metricsUrl: launcher.metricsUrl,
    pids: () => [],
    logTail: () => [],
    onLogLine: () => () => {},
    exited: new Promise(() => {}),
    hasExited: () => false,
    stop: () => Promise.resolve(),
  }
}
