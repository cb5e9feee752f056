import { afterEach, expect, test, vi } from 'vitest'
import { nsPerMs } from '../domain/world.ts'
import { runCommand } from './run-command.ts'

afterEach(() => vi.unstubAllEnvs())

const node = (script: string, options = {}) => runCommand(process.execPath, ['-e', script], options)

test('output, exit code and lines come back; the last line needs no end', async () => {
  const lines: string[] = []
  const script = 'process.stdout.write("a\\nb"); process.stderr.write("c\\r\\n"); process.exitCode = 3'
  const output = await node(script, { onLine: (line: string) => lines.push(line) })
  expect(output).toEqual({ exitCode: 3, stdout: 'a\nb', stderr: 'c\r\n', timedOut: false })
  expect(lines.sort()).toEqual(['a', 'b', 'c'])
})

test('arguments reach the command as they are, through no shell and no splitting', async () => {
  const args = ['a b', '"', '$HOME', '', "'", '*', '--x']
  const script = 'console.log(JSON.stringify(process.argv.slice(1)))'
  const output = await runCommand(process.execPath, ['-e', script, '--', ...args])
  expect(JSON.parse(output.stdout)).toEqual(args)
})

test('a command that does not exist is an exit code, with and without a time limit', async () => {
  expect((await runCommand('no-such-command', [])).exitCode).toBe(127)
  expect((await runCommand('no-such-command', [], { timeoutNs: 5000 * nsPerMs })).exitCode).toBe(127)
})

test('one that takes too long is ended', async () => {
  const output = await node('setInterval(() => {}, 1000)', { timeoutNs: 300 * nsPerMs })
  expect(output).toMatchObject({ exitCode: null, timedOut: true })
})

test('an exit code of 124 of its own is not taken for a time-out', async () => {
  const output = await node('process.exitCode = 124', { timeoutNs: 60_000 * nsPerMs })
  expect(output).toMatchObject({ exitCode: 124, timedOut: false })
})

test('input is given, and none is an end of file', async () => {
  const echo = 'process.stdin.pipe(process.stdout)'
  expect((await node(echo, { input: 'text' })).stdout).toBe('text')
  expect((await node(echo)).stdout).toBe('')
})

test('a command that ends without reading its input ends nobody else', async () => {
  const input = 'x'.repeat(2 ** 20)
  const outputs = await Promise.all(Array.from({ length: 20 }, () => runCommand('true', [], { input })))
  expect(outputs.map(({ exitCode }) => exitCode)).toEqual(outputs.map(() => 0))
})

test('tokens, inputs and the files of the runner stay here', async () => {
  vi.stubEnv('INPUT_GITHUB-TOKEN', 'ghs_0')
  vi.stubEnv('GITHUB_TOKEN', 'ghs_0')
  vi.stubEnv('ACTIONS_RUNTIME_TOKEN', 'eyJ0')
  vi.stubEnv('GITHUB_ENV', '/tmp/env')
  const output = await node('console.log(JSON.stringify(process.env))', { env: { GIVEN: '1' } })
  const seen = JSON.parse(output.stdout) as Record<string, string>
  expect(seen.GIVEN).toBe('1')
  expect(seen.PATH).toBe(process.env.PATH)
  expect(Object.keys(seen).filter((name) => /TOKEN|^INPUT_|^ACTIONS_|^GITHUB_ENV$/.test(name))).toEqual([])
})

test('nothing of the output reaches our own, where the runner would obey it', async () => {
  const write = vi.spyOn(process.stdout, 'write')
  try {
    await node('console.log("::error::x")')
    expect(write.mock.calls.filter(([text]) => String(text).includes('::error'))).toEqual([])
  } finally {
    write.mockRestore()
  }
})
