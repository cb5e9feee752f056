// What is outside the process when a workflow is cancelled: containers of a real Docker engine, and clocks that are
// locked on stand-in GPUs by the real nvidia-smi. The committed bundle, ended as GitHub's runner ends it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DockerEngine, docker, startDocker, tritonImage } from '../support/docker.ts'
import { testWorld, writePythonModel } from '../support/embedded-triton.ts'
import { makeRepository, type TestRepository } from '../support/github/repository.ts'
import { runStep, type StepResult } from '../support/github/runner.ts'
import { type LoopbackGitHub, startGitHub } from '../support/github/server.ts'
import { repositoryId } from '../support/github/state.ts'
import { openStandIn } from '../support/nvml/stand-in.ts'
import { until } from '../support/until.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-cancel-'))
const image = 'nvcr.io/nvidia/tritonserver:24.10-py3'
let github: LoopbackGitHub
let repository: TestRepository
let commit: string

beforeAll(async () => {
  github = await startGitHub()
  repository = makeRepository(join(root, 'checkout'))
  writePythonModel(join(repository.directory, 'models'), 'add_one')
  commit = repository.commit('main', { 'README.md': 'models' })
})
afterAll(async () => {
  await github.close()
  rmSync(root, { recursive: true, force: true })
})

/**
 * Runs the step with this configuration. Once it has a server and `whileItRuns` has seen what it waits for, the signals
 * are sent after these times.
 */
async function cancelled(
  configuration: string,
  env: Record<string, string>,
  signals: readonly (readonly [afterMs: number, signal: NodeJS.Signals])[],
  whileItRuns: () => Promise<void> | void,
): Promise<StepResult> {
  const file = join(root, 'gate.yml')
  writeFileSync(file, configuration)
  const timers: NodeJS.Timeout[] = []
  let seen: Promise<void> | undefined
  const dist = process.env.TRITON_PERF_GATE_DIST
  const step = await runStep({
    github,
    workspace: repository.directory,
    eventName: 'push',
    ref: 'refs/heads/main',
    sha: commit,
    runId: 300,
    payload: { repository: { id: repositoryId, name: 'r', default_branch: 'main', owner: { login: 'o' } } },
    inputs: { 'model-repository': 'models', config: file, 'time-budget': '60s', 'search-mode': 'off' },
    env,
    onServer: (kill) => {
      seen = Promise.resolve(whileItRuns()).then(() => {
        for (const [afterMs, signal] of signals) timers.push(setTimeout(() => kill(signal), afterMs))
      })
    },
    ...(dist === undefined ? {} : { dist }),
  })
  for (const timer of timers) clearTimeout(timer)
  await seen
  return step
}

const asTheRunnerCancels = [
  [0, 'SIGINT'],
  [7500, 'SIGTERM'],
  [10_000, 'SIGKILL'],
] as const
const outright = [[0, 'SIGKILL']] as const

test('containers: none is left when a workflow is cancelled, nor after the post step where it was killed', async (ctx) => {
  const started = await startDocker()
  if ('unavailable' in started) {
    // Aloud, since the reporter does not print why it skips.
    process.stderr.write(`SKIPPED, no ${started.unavailable}\n`)
    ctx.skip(started.unavailable)
    return
  }
  const engine: DockerEngine = started
  try {
    const settings = await tritonImage(testWorld(), (...args) => docker(engine.host, ...args), image)
    const mounts = settings.dockerArgs.map((argument) => argument.replace('--volume=', ''))
    const configuration = `
gate: { triton: docker, docker_network: host }
triton_docker_image: ${image}
triton_docker_mounts: ${JSON.stringify(mounts)}
`
    const containers = () => docker(engine.host, 'ps', '--all', '--format', '{{.Names}} {{.State}}')
    const seen: string[] = []
    const env = { DOCKER_HOST: engine.host }
    const run = (signals: Parameters<typeof cancelled>[2]) =>
      cancelled(configuration, env, signals, async () => {
        // It is created first, and a busy machine takes its time to start it.
        await until(() => containers().endsWith(' running'))
        seen.push(containers())
      })

    const interrupted = await run(asTheRunnerCancels)
    expect(interrupted.exitCode, interrupted.log).toBe(130)
    expect(seen[0], interrupted.log).toMatch(/^triton-perf-gate-\S+ running$/)
    await until(() => containers() === '')

    const killed = await run(outright)
    expect(killed.signal, killed.log).toBe('SIGKILL')
    expect(seen[1]).toMatch(/^triton-perf-gate-\S+ running$/)
    expect((await killed.post()).exitCode).toBe(0)
    await expect.poll(containers).toBe('')
  } finally {
    await engine.stop()
  }
})

test('locked clocks: set free when a workflow is cancelled, and by the post step where it was killed', async (ctx) => {
  const standIn = openStandIn()
  if ('unavailable' in standIn) {
    process.stderr.write(`SKIPPED, no ${standIn.unavailable}\n`)
    ctx.skip(standIn.unavailable)
    return
  }
  try {
    standIn.set({
      gpus: [{ uuid: `GPU-cancel-${process.pid}`, name: 'NVIDIA L4', total: 23034, used: 512, clock: 2040 }],
    })
    // A wrapper: the server must not load the stand-in library.
    const folder = join(root, 'bin')
    mkdirSync(folder)
    const library = dirname(standIn.stateFile)
    const script = `#!/bin/sh\nLD_LIBRARY_PATH='${library}' NVML_STATE='${standIn.stateFile}' exec '${library}/nvidia-smi' "$@"\n`
    writeFileSync(join(folder, 'nvidia-smi'), script, { mode: 0o755 })
    const env = { PATH: `${folder}:${process.env.PATH}` }
    const changes: string[][] = []
    const run = (signals: Parameters<typeof cancelled>[2]) =>
      cancelled('gate: { triton: embedded, lock_gpu_clocks: 1200 }\n', env, signals, () => {
        changes.push(standIn.takeClockChanges())
      })

    const interrupted = await run(asTheRunnerCancels)
    expect(interrupted.exitCode, interrupted.log).toBe(130)
    expect(changes[0], interrupted.log).toEqual([expect.stringContaining('1200')])
    expect(standIn.takeClockChanges()).toEqual(['gpu 0 reset'])

    const killed = await run(outright)
    expect(killed.signal, killed.log).toBe('SIGKILL')
    expect(changes[1]).toEqual([expect.stringContaining('1200')])
    expect(standIn.takeClockChanges()).toEqual([])
    const post = await killed.post()
    expect(post.exitCode, post.log).toBe(0)
    expect(standIn.takeClockChanges()).toEqual(['gpu 0 reset'])
  } finally {
    standIn.remove()
  }
})
