import { expect, test } from 'vitest'
import type { RunOptions, World } from '../domain/world.ts'
import { withGitSettings } from './git-environment.ts'

const ran: RunOptions[] = []
const run: World['run'] = async (_command, _args, options = {}) => {
  ran.push(options)
  return { exitCode: 0, stdout: '', stderr: '', timedOut: false }
}
const settings = { workspace: '/w', serverUrl: 'https://github.com/', token: 'ghs_1' }
async function envOf(token: string | null, command: string, ...args: string[]) {
  await withGitSettings(run, { ...settings, token })(command, args, { env: { LC_ALL: 'C' } })
  return ran.at(-1)?.env
}

const trusted = {
  LC_ALL: 'C',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '/w',
}

test('only git, and only where it fetches, gets the token, for this one server', async () => {
  const fetching = {
    ...trusted,
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_1: 'http.https://github.com/.extraheader',
    GIT_CONFIG_VALUE_1: `AUTHORIZATION: basic ${Buffer.from('x-access-token:ghs_1').toString('base64')}`,
  }
  expect(await envOf('ghs_1', 'git', '-C', '/x', 'fetch', 'origin')).toEqual(fetching)
  expect(await envOf('ghs_1', 'git', '-C', '/x', 'worktree', 'add', '/y')).toEqual(fetching)
  for (const args of [['rev-parse', 'HEAD'], ['worktree', 'remove', '/y'], ['diff']]) {
    expect(await envOf('ghs_1', 'git', ...args)).toEqual(trusted)
  }
  expect(await envOf('ghs_1', 'docker', 'fetch')).toEqual({ LC_ALL: 'C' })
})

test('without a token git only reads', async () => {
  expect(await envOf(null, 'git', 'fetch', 'origin')).toEqual(trusted)
})
