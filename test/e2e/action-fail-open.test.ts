// Whatever happens to the action's process, it does not end as a pass.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { StepResult } from '../support/github/runner.ts'
import { openActionScene } from '../support/github/scene.ts'
import { newState } from '../support/github/state.ts'
import { until } from '../support/until.ts'

const { root, github, step, close } = await openActionScene()
beforeEach(() => void Object.assign(github.state, newState()))
afterAll(close)

/** Code that runs in the action's process: what a library might do, at the worst moment. */
const preload = (code: string) => `--import=data:text/javascript,${encodeURIComponent(code)}`
const asked = join(root, 'asked')
const later = (code: string) =>
  preload(
    'import { existsSync } from "node:fs"; const timer = setInterval(() => { ' +
      `if (existsSync(${JSON.stringify(asked)})) { clearInterval(timer); ${code} } }, 20)`,
  )

/** With code that runs while the action waits for GitHub. */
async function stepWith(nodeOptions: string): Promise<StepResult> {
  github.state.faults = [{ match: /runs$/, times: 100, hang: true }]
  let isOver = false
  const isAsked = () => github.state.requests.some((request) => request.endsWith('runs'))
  const sign = until(() => isOver || isAsked()).then(() => writeFileSync(asked, ''))
  const ended = await step({ env: { NODE_OPTIONS: nodeOptions } })
  isOver = true
  await sign
  rmSync(asked)
  return ended
}

test.each<[string, string, RegExp]>([
  ['process.exit(0) by a library', later('process.exit(0)'), /without a verdict/],
  ['an error that nobody catches', later('throw new Error("stray")'), /stray/],
  ['a rejection that nobody handles', later('Promise.reject(new Error("stray"))'), /stray/],
  [
    'a promise that never settles',
    preload(
      'import fs from "node:fs/promises"; import { syncBuiltinESMExports } from "node:module";' +
        'fs.readFile = () => new Promise(() => {}); syncBuiltinESMExports()',
    ),
    /without a verdict|unsettled/,
  ],
  ['an exit code that is set to 0', later('process.exitCode = 0; process.emit("SIGTERM")'), /stopping/],
])('fail-open is impossible: %s', async (_, nodeOptions, log) => {
  const ended = await stepWith(nodeOptions)
  expect(ended.exitCode === 0 || ended.exitCode === null, ended.log).toBe(false)
  expect(ended.log).toMatch(log)
  expect(ended.outputs.verdict ?? 'invalid').toBe('invalid')
  expect(github.state.artifacts).toEqual([])
})

test.each(['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_EVENT_PATH'])(
  '%s that cannot be used does not make it green',
  async (name) => {
    const ended = await step({
      inputs: { 'model-repository': 'no-such-folder' },
      env: { [name]: join(root, 'no', 'such', 'file') },
    })
    expect(ended.exitCode === 0 || ended.exitCode === null, ended.log).toBe(false)
  },
)

test('killed outright while it waits: no exit code at all is no pass', async () => {
  const killed = await stepWith(later('process.kill(process.pid, "SIGKILL")'))
  expect(killed.signal).toBe('SIGKILL')
  expect(killed.outputs).toEqual({})
})
