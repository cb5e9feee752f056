import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { until } from './until.ts'

/** The bundles under test: the committed ones, or those of another build. */
const dist = process.env.TPG_DIST ?? join(import.meta.dirname, '../../dist')

export interface CliResult {
  readonly exitCode: number | null
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd: string
  /** Over the environment of the tests; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The Node to run it on; that of the tests where left out. */
  readonly node?: string
}

export interface RunningCli {
  readonly kill: (signal: NodeJS.Signals) => void
  readonly done: Promise<CliResult>
  /** Waits until it has said this on stderr. */
  readonly said: (words: string) => Promise<void>
}

/** Starts the command line from its bundle, which has no node_modules beside it. */
export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const child: ChildProcess = spawn(options.node ?? process.execPath, [join(dist, 'cli/index.js'), ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr, ended] = ['', '', false]
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      ended = true
      resolve({ exitCode, signal, stdout, stderr })
    })
  })
  return {
    kill: (signal) => void child.kill(signal),
    done,
    said: async (words) => {
      await until(() => stderr.includes(words) || ended, 60_000)
      if (!stderr.includes(words)) throw new Error(`it ended without '${words}':\n${stderr}`)
    },
  }
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(args, options).done
}

/** A Node 20, the oldest that the bundles promise to run on; null where this machine has none. */
export function findNode20(): string | null {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
  return folders.map((folder) => join(folder, 'node')).find(isNode20) ?? null
}

function isNode20(path: string): boolean {
  try {
    return execFileSync(path, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).startsWith('v20.')
  } catch {
    return false
  }
}

/** The command lines of all processes that name `path`: a server names the model repository that it serves. */
export function processesNaming(path: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(commandLine)
    .filter((line) => line.includes(path))
}

/**
 * Waits until no process names `path`. No server may be there any more; what is killed with it (its watchdog, a stub)
 * needs a moment to die on a busy machine.
 */
export async function untilNoneNames(path: string): Promise<void> {
  const servers = processesNaming(path).filter((line) => /^\S*\/tritonserver /.test(line))
  if (servers.length > 0) throw new Error(`still there: ${servers.join('; ')}`)
  await until(() => processesNaming(path).length === 0)
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // gone meanwhile
  }
}
