// The workflows: linted, and the examples for main and pull requests run by act, as a user has copied them, on the
// real action and the real embedded Triton. act and actionlint are not on npm: where they are missing this says so.
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { runtimeToken } from '../support/github/artifacts.ts'
import { makeRepository, type TestRepository } from '../support/github/repository.ts'
import { type LoopbackGitHub, startGitHub } from '../support/github/server.ts'
import { jobToken, makeRun, repositoryId } from '../support/github/state.ts'

const project = join(import.meta.dirname, '../..')
const examples = join(project, 'examples/workflows')
const own = join(project, '.github/workflows')
const workflows = [own, examples].flatMap((folder) =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name)),
)

const has = (command: string) => spawnSync(command, ['--version']).status === 0
const missing = ['act', 'actionlint'].filter((command) => !has(command))
if (missing.length > 0) console.warn(`not run: tests of the workflows that need ${missing.join(' and ')}`)

interface Workflow {
  readonly permissions: unknown
  readonly jobs: Record<
    string,
    { permissions?: Record<string, string>; steps: { uses?: string; with?: object }[] }
  >
}
const read = (path: string) => parse(readFileSync(path, 'utf8')) as Workflow
const action = parse(readFileSync(join(project, 'action.yml'), 'utf8')) as { inputs: object }
const usesOurs = (uses = '') => uses === './' || uses.startsWith('triton-perf-gate/triton-perf-gate@')

test.each(workflows)('%s: no permission that is not asked for, every action by its commit', (path) => {
  const { permissions, jobs } = read(path)
  expect(permissions).toEqual({})
  for (const step of Object.values(jobs).flatMap(({ steps }) => steps)) {
    // The examples name this action by its moving tag, since it has no commit before it is committed.
    if (step.uses !== undefined && !usesOurs(step.uses)) expect(step.uses).toMatch(/@[0-9a-f]{40}$/)
    if (usesOurs(step.uses)) {
      const unknown = Object.keys(step.with ?? {}).filter((name) => !(name in action.inputs))
      expect(unknown).toEqual([])
    }
  }
})

test('nowhere may a job write what it does not have to', () => {
  const writes = workflows.flatMap((path) =>
    Object.values(read(path).jobs).flatMap(({ permissions = {} }) =>
      Object.entries(permissions).flatMap(([name, access]) =>
        access === 'write' ? [`${path.slice(project.length + 1)}: ${name}`] : [],
      ),
    ),
  )
  expect(writes).toEqual([
    '.github/workflows/gate.yml: pull-requests',
    '.github/workflows/release.yml: id-token',
    '.github/workflows/release.yml: contents',
    'examples/workflows/fork-comment.yml: pull-requests',
    'examples/workflows/kubernetes.yml: pull-requests',
    'examples/workflows/matrix.yml: pull-requests',
    'examples/workflows/pull-request.yml: pull-requests',
    'examples/workflows/release.yml: contents',
  ])
})

test.skipIf(missing.includes('actionlint'))('actionlint has nothing to say', () => {
  const config = join(project, '.github/actionlint.yaml')
  const linted = spawnSync('actionlint', ['-config-file', config, '-no-color', ...workflows], {
    encoding: 'utf8',
  })
  expect(linted.stdout).toBe('')
  expect(linted.status).toBe(0)
})

describe.skipIf(missing.includes('act'))('act', () => {
  const root = mkdtempSync(join(tmpdir(), 'tpg-act-'))
  let github: LoopbackGitHub
  let repository: TestRepository
  let mainCommit = ''
  const git = (...args: string[]) => execFileSync('git', ['-C', repository.directory, ...args])
  /** As it is, but for a budget that a busy machine keeps, too. */
  const example = (name: string) =>
    readFileSync(join(examples, name), 'utf8').replace(/(?<=latency-budget: )\d+/, '10000')

  beforeAll(async () => {
    github = await startGitHub()
    repository = makeRepository(join(root, 'checkout'))
    git('remote', 'add', 'origin', 'https://github.com/o/r.git')
    github.state.compare = (base, head) => repository.compare(base, head)
    mainCommit = repository.commit('main', {
      'models/sleepy/config.pbtxt':
        'name: "sleepy"\nbackend: "python"\nmax_batch_size: 0\n' +
        'input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]\n' +
        'output [ { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] } ]\n' +
        'instance_group [ { kind: KIND_CPU count: 1 } ]\n',
      'models/sleepy/1/model.py': sleepy(4),
      'triton-perf-gate.yml':
        'profile_models: { sleepy: { parameters: { concurrency: 1 } } }\n' +
        'run_config_search_disable: true\n' +
        // What is told apart is a factor of three.
        'gate: { triton: embedded, repetitions: 8, warmup_seconds: 0.2, measurement_seconds: 1,' +
        ' time_budget: 60s, tolerance: { perf_latency_p99: 0.8, perf_throughput: 0.4 } }\n',
      '.github/workflows/main.yml': example('main.yml'),
      '.github/workflows/pull-request.yml': example('pull-request.yml'),
      'README.md': 'a',
    })
    repository.branch('slower', 'main')
    repository.commit('be careful', { 'models/sleepy/1/model.py': sleepy(12) })
    // As it lies on GitHub: what git keeps, at the tag that the example names.
    const released = join(root, 'released')
    mkdirSync(released)
    cpSync(join(project, 'action.yml'), join(released, 'action.yml'))
    cpSync(process.env.TRITON_PERF_GATE_DIST ?? join(project, 'dist'), join(released, 'dist'), {
      recursive: true,
    })
  })
  afterAll(async () => {
    await github.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** One workflow on one event, by act without a container. */
  function act(event: string, workflow: string, runId: number, payload: object) {
    const file = join(root, `event-${runId}.json`)
    writeFileSync(file, JSON.stringify(payload))
    const env = {
      GITHUB_API_URL: github.url,
      GITHUB_GRAPHQL_URL: `${github.url}/graphql`,
      GITHUB_RUN_ID: String(runId),
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_WORKFLOW_REF: `o/r/.github/workflows/${workflow}@refs/heads/main`,
      ACTIONS_RESULTS_URL: `${github.url}/`,
      ACTIONS_RUNTIME_URL: `${github.url}/`,
      ACTIONS_RUNTIME_TOKEN: runtimeToken(runId),
    }
    const args = [
      ...[event, '--json', '-W', `.github/workflows/${workflow}`, '-e', file, '-P', 'gpu=-self-hosted'],
      ...['-P', 'self-hosted=-self-hosted', '-s', `GITHUB_TOKEN=${jobToken}`, '--no-cache-server'],
      ...['--action-cache-path', join(root, 'cache')],
      ...['--local-repository', `triton-perf-gate/triton-perf-gate@v0=${join(root, 'released')}`],
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ]
    return new Promise<{ code: number | null; log: string }>((resolve) => {
      const child = execFile(
        'act',
        args,
        {
          cwd: repository.directory,
          maxBuffer: 2 ** 26,
          // act hands all of it on: the first node on PATH is the one that runs the action.
          env: {
            PATH: `${join(process.execPath, '..')}:${process.env.PATH}`,
            HOME: join(root, 'home'),
            XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? '', '.cache'),
          },
        },
        (_error, stdout, stderr) => resolve({ code: child.exitCode, log: `${stdout}${stderr}` }),
      )
      child.stdin?.end()
    })
  }

  const payloadRepository = { id: repositoryId, name: 'r', default_branch: 'main', owner: { login: 'o' } }

  test('main.yml on a push stores a baseline, which pull-request.yml finds and fails a slower model by', async () => {
    repository.checkout('main')
    const push = await act('push', 'main.yml', 401, { ref: 'refs/heads/main', repository: payloadRepository })
    expect(push.code, push.log).toBe(0)
    expect(github.state.artifacts.map(({ name, runId }) => `${runId}: ${name}`).sort()).toEqual([
      '401: triton-perf-gate-baseline',
      '401: triton-perf-gate-result',
    ])
    github.state.runs.push(
      makeRun(401, {
        path: '.github/workflows/main.yml',
        head_sha: mainCommit,
        head_repository: { id: repositoryId },
      }),
    )
    repository.testMerge('slower')
    const pull = await act('pull_request', 'pull-request.yml', 402, {
      number: 7,
      repository: payloadRepository,
      pull_request: {
        number: 7,
        head: { sha: 'b'.repeat(40), ref: 'slower', repo: { id: repositoryId } },
        base: { sha: mainCommit, ref: 'main' },
      },
    })
    expect(pull.code, pull.log).toBe(1)
    expect(pull.log).toContain('first parent of the test merge')
    expect(pull.log).toMatch(/baseline: found, artifact triton-perf-gate-baseline of run 401/)
    expect(github.state.comments).toEqual([
      expect.objectContaining({ issue: 7, body: expect.stringContaining('Performance gate: fail') }),
    ])
    expect(github.state.unknown).toEqual([])
    expect(github.state.violations).toEqual([])
    // What act shows, beside the commands as it has read them: `::add-mask::` must name what is to be masked.
    const shown = `${push.log}${pull.log}`
      .split('\n')
      .map((line) => /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? '')
    expect(shown.join('\n')).not.toContain(jobToken)
    expect(shown.join('\n')).toContain('Performance gate: fail')
  })
})

/** Sleeps, so that what is measured depends on the machine as little as can be. */
function sleepy(sleepMs: number): string {
  return `
import time
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        time.sleep(${sleepMs / 1000})
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("Y", pb_utils.get_input_tensor_by_name(request, "X").as_numpy())]
            )
            for request in requests
        ]
`
}
