import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LaunchedProcess, nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import { createNodeWorld } from '../../src/system/node-world.ts'
import { isUnreaped, memoryOfTree, processTree, readStat } from '../../src/system/process-tree.ts'
import { firstLine } from '../support/first-line.ts'
import { until } from '../support/until.ts'

const loadWorker = new URL('file:///unused')
let folder: string
let abort: AbortController

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-system-'))
  abort = new AbortController()
})
afterEach(() => {
  abort.abort()
  rmSync(folder, { recursive: true })
})

function world() {
  return createNodeWorld({ progress: () => {}, loadWorker, signal: abort.signal })
}

const alive = (pid: number) => {
  const state = /^State:\s+(\S)/m.exec(readFileOrEmpty(`/proc/${pid}/status`))?.[1]
  return state !== undefined && state !== 'Z'
}
function readFileOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** A server that ignores SIGTERM, with a child like a python backend's stub; it prints the child's pid. */
const stubborn = ['-c', "trap '' TERM; sleep 600 & echo $!; while :; do sleep 1; done"]
const obedient = ['-c', 'sleep 600 & echo $!; wait']

async function launchWithChild(
  script: readonly string[],
): Promise<{ server: LaunchedProcess; stub: number }> {
  const lines: string[] = []
  const server = world().launch('/bin/sh', script, { env: {}, onLine: (line) => lines.push(line) })
  await until(() => lines.length > 0)
  return { server, stub: Number(lines[0]) }
}

test('run gives exit code and both outputs, and knows a missing command', async () => {
  const seen: string[] = []
  const script = 'cat; echo out; echo err >&2; exit 3'
  const output = await world().run('sh', ['-c', script], { input: 'in\n', onLine: (line) => seen.push(line) })
  expect(output).toEqual({ exitCode: 3, stdout: 'in\nout\n', stderr: 'err\n', timedOut: false })
  expect(seen.toSorted()).toEqual(['err', 'in', 'out'])
  expect((await world().run('no-such-command-here', [])).exitCode).toBe(127)
})

test('a timeout ends the command with its children', async () => {
  const script = `sleep 600 & echo $! > ${folder}/child; wait`
  const output = await world().run('sh', ['-c', script], { timeoutNs: 300 * nsPerMs })
  expect(output).toMatchObject({ exitCode: null, timedOut: true })
  await until(() => !alive(Number(readFileSync(join(folder, 'child'), 'utf8'))))
})

test('a process that ended unreaped is told from what one of its name has forked', async () => {
  const script = `
import os, subprocess, time
other = subprocess.Popen(['true'])
forked = os.fork()
if forked == 0: os._exit(0)
time.sleep(0.2)
print(other.pid, forked, os.getpid(), flush=True)
time.sleep(600)`
  const program = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = await firstLine(program.stdout)
  const [other = 0, forked = 0, lives = 0] = output.split(' ').map(Number)
  await until(() => isUnreaped(other, 'true'))
  const name = readFileSync(`/proc/${lives}/comm`, 'utf8').trim()
  await until(() => readFileSync(`/proc/${forked}/stat`, 'utf8').includes(') Z '))
  expect([other, forked, lives].map((pid) => isUnreaped(pid, name))).toEqual([false, false, false])
  program.kill('SIGKILL')
})

test('an abort ends commands that run, not those that clean up after it', async () => {
  const running = world().run('sleep', ['600'])
  abort.abort()
  expect((await running).exitCode).toBeNull()
  expect((await world().run('echo', ['cleaned'])).stdout).toBe('cleaned\n')
})

test('launch: the pid is the command itself, its tree and memory can be read', async () => {
  const { server, stub } = await launchWithChild(obedient)
  expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0').slice(0, 3)).toEqual([
    '/bin/sh',
    ...obedient,
  ])
  expect(processTree(server.pid)).toEqual([server.pid, stub])
  expect(memoryOfTree([server.pid])).toBeGreaterThan(100_000)
  expect(readStat(stub)?.parentPid).toBe(server.pid)
  await server.stop(5 * nsPerSecond)
  expect(server.hasExited()).toBe(true)
  expect(processTree(server.pid)).toEqual([])
  await until(() => !alive(stub))
})

test('launch: what ignores SIGTERM is killed with its group', async () => {
  const { server, stub } = await launchWithChild(stubborn)
  await server.stop(200 * nsPerMs)
  expect(await server.exited).toBeNull()
  await until(() => !alive(stub) && groupIsEmpty(server.pid))
})

test('launch: a server that ends by itself takes its children and the watchdog with it', async () => {
  const lines: string[] = []
  const script = ['-c', 'sleep 600 & echo $!; echo last words >&2; exit 7']
  const server = world().launch('/bin/sh', script, { env: {}, onLine: (line) => lines.push(line) })
  expect(await server.exited).toBe(7)
  expect(lines).toContain('last words')
  await until(() => !alive(Number(lines[0])) && groupIsEmpty(server.pid))
})

test('launch: a missing command exits with 127 and says so', async () => {
  const lines: string[] = []
  const server = world().launch('no-such-server', [], { env: {}, onLine: (line) => lines.push(line) })
  expect(await server.exited).toBe(127)
  expect(lines.join()).toContain('no-such-server')
})

test('launch: an abort stops the server', async () => {
  const { server } = await launchWithChild(obedient)
  abort.abort()
  await server.exited
  expect(server.hasExited()).toBe(true)
})

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'launch: after %s of this program nothing survives',
  async (signal) => {
    const source = `
    import { createNodeWorld } from ${JSON.stringify(new URL('../../src/system/node-world.ts', import.meta.url))}
    const world = createNodeWorld({ progress() {}, loadWorker: new URL('file:///x'), signal: new AbortController().signal })
    const server = world.launch('/bin/sh', ${JSON.stringify(stubborn)}, { env: {}, onLine: (line) => console.log(server.pid, line) })
  `
    const program = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = await firstLine(program.stdout)
    const [server, stub] = output.split(' ').map(Number) as [number, number]
    expect(alive(server)).toBe(true)
    program.kill(signal)
    await until(() => !alive(server) && !alive(stub) && groupIsEmpty(server))
  },
)

function groupIsEmpty(group: number): boolean {
  try {
    process.kill(-group, 0)
    return false
  } catch {
    return true
  }
}
