import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { runtimeToken } from './artifacts.ts'
import type { LoopbackGitHub } from './server.ts'
import { jobToken, repositoryId } from './state.ts'

const root = join(import.meta.dirname, '../../..')

export interface StepOptions {
  readonly github: LoopbackGitHub
  /** The checkout; the step's working directory. */
  readonly workspace: string
  readonly eventName: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly ref: string
  readonly sha: string
  readonly runId: number
  readonly inputs: Readonly<Record<string, string>>
  /** Beside and above the runner's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** The folder of the bundles; the committed `dist/` where left out. */
  readonly dist?: string
  /** Called once, a little after the step has saved that it launched a process. */
  readonly onServer?: (kill: (signal: NodeJS.Signals) => void) => void
}

export interface StepResult {
  readonly exitCode: number | null
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
  readonly log: string
  /** From the start of the process to its first line. */
  readonly firstLineMs: number | null
  /** Annotations as the runner reads them: `error`, `warning` and `notice` commands. */
  readonly annotations: readonly {
    readonly level: string
    readonly properties: string
    readonly message: string
  }[]
  /** Runs the `post` step, with what this one has saved. */
  readonly post: () => Promise<StepResult>
}

/** Runs the action as GitHub's runner does: its environment, inputs and defaults, file commands, Node 24. */
export async function runStep(options: StepOptions): Promise<StepResult> {
  return runEntry(options, 'action', {})
}

async function runEntry(
  options: StepOptions,
  entry: 'action' | 'post',
  saved: Readonly<Record<string, string>>,
): Promise<StepResult> {
  const temporary = mkdtempSync(join(tmpdir(), 'tpg-runner-'))
  try {
    const files = commandFiles(temporary)
    const env = { ...environment(options, temporary), ...files.env, ...saved }
    const bundle = join(options.dist ?? join(root, 'dist'), entry, 'index.js')
    const { exitCode, signal, log, firstLineMs } = await runNode(bundle, options, env, files)
    const state = files.read('GITHUB_STATE')
    const handedOver = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]),
    )
    return {
      exitCode,
      signal,
      log,
      firstLineMs,
      outputs: files.read('GITHUB_OUTPUT'),
      state,
      summary: files.text('GITHUB_STEP_SUMMARY'),
      annotations: [...log.matchAll(/^\s*::(error|warning|notice)( [^:]*)?::(.*)$/gm)].map(
        ([, level = '', properties = '', message = '']) => ({
          level,
          properties: properties.trim(),
          message,
        }),
      ),
      post: () => runEntry(options, 'post', handedOver),
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Long enough for a server to be on its way up, short enough for it not to be done. */
const afterLaunchMs = 2000

/** The runner, too, does not wait long for grandchildren that hold the output open. */
const drainMs = 1000

function runNode(
  bundle: string,
  { workspace, onServer }: StepOptions,
  env: Record<string, string>,
  files: CommandFiles,
): Promise<Pick<StepResult, 'exitCode' | 'signal' | 'log' | 'firstLineMs'>> {
  const child = spawn(process.execPath, [bundle], { cwd: workspace, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const startedMs = Date.now()
  let firstLineMs: number | null = null
  let log = ''
  const take = (chunk: Buffer) => {
    log += chunk.toString()
    // What the runner obeys is not shown to anybody.
    if (firstLineMs === null && /^(?!::add-mask)\S.*\n/m.test(log)) firstLineMs = Date.now() - startedMs
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)

  const timers: NodeJS.Timeout[] = []
  if (onServer !== undefined) {
    const watch = setInterval(() => {
      if (files.text('GITHUB_STATE') === '') return
      clearInterval(watch)
      timers.push(setTimeout(() => onServer((signal) => child.kill(signal)), afterLaunchMs))
    }, 100)
    timers.push(watch)
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    const finish = (exitCode: number | null, signal: NodeJS.Signals | null) => {
      for (const timer of timers) clearTimeout(timer)
      resolve({ exitCode, signal, log, firstLineMs })
    }
    child.on('close', finish)
    // After a SIGKILL its servers may still hold the output open, as on GitHub's runner.
    child.on('exit', (exitCode, signal) => timers.push(setTimeout(finish, drainMs, exitCode, signal)))
  })
}

function environment(options: StepOptions, temporary: string): Record<string, string> {
  const { github, workspace, eventName, payload, ref, sha, runId } = options
  const event = join(temporary, 'event.json')
  writeFileSync(event, JSON.stringify(payload))
  const inherited = ['PATH', 'HOME', 'LANG', 'XDG_CACHE_HOME', 'TRITON_PERF_GATE_CACHE']
  return {
    ...Object.fromEntries(
      inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
    ),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__self',
    GITHUB_ACTOR: 'alice',
    GITHUB_API_URL: github.url,
    GITHUB_GRAPHQL_URL: `${github.url}/graphql`,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_EVENT_PATH: event,
    GITHUB_JOB: 'gate',
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.replace(/^refs\/(heads|tags|pull)\//, ''),
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_REPOSITORY_ID: String(repositoryId),
    GITHUB_RETENTION_DAYS: '90',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: String(runId),
    GITHUB_RUN_NUMBER: String(runId),
    GITHUB_SHA: sha,
    GITHUB_WORKFLOW: 'gate',
    GITHUB_WORKFLOW_REF: `o/r/.github/workflows/gate.yml@${ref}`,
    GITHUB_WORKSPACE: workspace,
    RUNNER_ARCH: 'X64',
    RUNNER_OS: 'Linux',
    RUNNER_NAME: 'loopback',
    RUNNER_TEMP: temporary,
    ACTIONS_RESULTS_URL: `${github.url}/`,
    ACTIONS_RUNTIME_URL: `${github.url}/`,
    ACTIONS_RUNTIME_TOKEN: runtimeToken(runId),
    ...inputVariables(options.inputs),
    ...options.env,
  }
}

/** Every input of action.yml, given or by its default, with hyphens kept. */
function inputVariables(given: Readonly<Record<string, string>>): Record<string, string> {
  const { inputs } = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { default: string }>
  }
  const unknown = Object.keys(given).filter((name) => !(name in inputs))
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`)
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      `INPUT_${name.toUpperCase()}`,
      (given[name] ?? input.default).replace('${' + '{ github.token }}', jobToken),
    ]),
  )
}

type CommandFiles = ReturnType<typeof commandFiles>

/** The files through which a step speaks to the runner: empty before it, read after it. */
function commandFiles(temporary: string) {
  const folder = join(temporary, 'commands')
  mkdirSync(folder)
  const names = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY']
  for (const name of names) writeFileSync(join(folder, name), '')
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  return {
    env: Object.fromEntries(names.map((name) => [name, join(folder, name)])),
    text,
    /** `name<<DELIMITER`, the value's lines, `DELIMITER`; of two values of one name the later holds. */
    read: (name: string): Record<string, string> =>
      Object.fromEntries(
        [...text(name).matchAll(/^([\w-]+)<<(\S+)\r?\n([\s\S]*?)\r?\n\2$/gm)].map(
          ([, key = '', , value = '']) => [key, value],
        ),
      ),
  }
}
