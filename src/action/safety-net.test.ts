import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import type { LaunchedProcess, RunOutput, World } from '../domain/world.ts'
import { processIdentity } from '../system/process-identity.ts'
import { killLeftovers, parseStarted, recordLaunches, type Started } from './safety-net.ts'

const quiet: RunOutput = { exitCode: 0, stdout: '', stderr: '', timedOut: false }
const launched = (pid: number): LaunchedProcess => ({
  pid,
  exited: new Promise(() => {}),
  hasExited: () => false,
  stop: async () => {},
})
/** A world that launches nothing: each launch is said to be this very process. */
const world = { launch: () => launched(process.pid) } as unknown as World
const options = { env: {}, onLine: () => {} }

test('everything launched is recorded at once, containers by their name', () => {
  const saved: Started[] = []
  const recording = recordLaunches(world, (started) => saved.push(structuredClone(started)))
  recording.launch('tritonserver', ['--name=not-a-container'], options)
  recording.launch('/usr/bin/docker', ['run', '--rm', '--name=gate-1', 'image'], options)
  recording.launch('podman', ['run', '--name', 'gate-2', 'image'], options)
  expect(saved).toHaveLength(3)
  expect(saved[0]).toEqual({
    processes: [{ pid: process.pid, identity: processIdentity(process.pid) }],
    containers: [],
  })
  expect(saved[2]?.containers).toEqual([
    { engine: '/usr/bin/docker', name: 'gate-1' },
    { engine: 'podman', name: 'gate-2' },
  ])
  expect(parseStarted(JSON.stringify(saved[2]))).toEqual(saved[2])
})

test('a process that never started has no pid to be recorded', () => {
  const saved: Started[] = []
  const failing = { launch: () => launched(0) } as unknown as World
  recordLaunches(failing, (started) => saved.push(started)).launch('tritonserver', [], options)
  expect(saved).toEqual([{ processes: [], containers: [] }])
})

test('without a state nothing was started', () => {
  expect(parseStarted('')).toEqual({ processes: [], containers: [] })
})

test('what still lives is killed; what is gone, or another process by now, is let alone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  })
  const pid = child.pid ?? 0
  const exited = new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)))
  const identity = processIdentity(pid)
  const reused = { pid: process.pid, identity: processIdentity(process.pid).replace(/\d+$/, '1') }
  const kills: number[] = []
  const started = { processes: [{ pid, identity }, reused], containers: [] }
  const kill = (group: number) => {
    kills.push(group)
    process.kill(-group, 'SIGKILL')
  }
  expect(await killLeftovers(started, async () => quiet, kill)).toEqual([`process ${pid}`])
  expect(kills).toEqual([pid])
  expect(await exited).toBe('SIGKILL')
  expect(await killLeftovers(started, async () => quiet, kill)).toEqual([])
})

test('a container is removed by name, and named only if it was still there', async () => {
  const commands: string[] = []
  const run: World['run'] = async (command, args) => {
    commands.push([command, ...args].join(' '))
    return { ...quiet, stdout: args.at(-1) === 'alive' ? 'alive\n' : '' }
  }
  const containers = [
    { engine: 'docker', name: 'gone' },
    { engine: 'podman', name: 'alive' },
  ]
  const killed = await killLeftovers({ processes: [], containers }, run, () => {})
  expect(commands).toEqual(['docker rm --force gone', 'podman rm --force alive'])
  expect(killed).toEqual(['container alive'])
})
