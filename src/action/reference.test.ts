import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ActionContext, readContext } from './context.ts'
import { chooseReference } from './reference.ts'
import { runCommand } from './run-command.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-reference-'))
const full = join(root, 'full')
const world = { run: runCommand }
const sha: Record<'base' | 'main' | 'feature' | 'merge', string> = {
  base: '',
  main: '',
  feature: '',
  merge: '',
}

function git(...args: string[]): string {
  const identity = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.invalid',
    '-c',
    'init.defaultBranch=main',
  ]
  return execFileSync('git', [...identity, '-C', full, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim()
}

/** main has moved on since the branch: merge base, base branch and pull request are three commits. */
beforeAll(() => {
  execFileSync('git', ['init', '-q', '-b', 'main', full])
  const commit = (name: string) => {
    writeFileSync(join(full, name), name)
    git('add', '.')
    git('commit', '-q', '-m', name)
    return git('rev-parse', 'HEAD')
  }
  sha.base = commit('base')
  git('checkout', '-q', '-b', 'feature')
  sha.feature = commit('feature')
  git('checkout', '-q', 'main')
  sha.main = commit('main')
  git('checkout', '-q', '--detach')
  git('merge', '-q', '--no-ff', '-m', 'test merge', 'feature')
  sha.merge = git('rev-parse', 'HEAD')
  git('update-ref', 'refs/pull/7/merge', sha.merge)
  git('update-ref', 'refs/remotes/origin/main', sha.main)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const context = (ref = 'refs/pull/7/merge', commit = sha.merge): ActionContext =>
  readContext(
    {
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_SHA: commit,
      GITHUB_REF: ref,
      GITHUB_RUN_ID: '1',
    },
    {
      repository: { id: 1, default_branch: 'main' },
      pull_request: { number: 7, head: { sha: sha.feature }, base: { ref: 'main', sha: sha.main } },
    },
  )

/** As actions/checkout fetches the test merge. */
function shallow(depth: number): string {
  const directory = join(root, `depth-${depth}`)
  execFileSync('git', ['init', '-q', directory])
  const inside = (...args: string[]) => execFileSync('git', ['-C', directory, ...args], { stdio: 'pipe' })
  inside('fetch', '-q', `--depth=${depth}`, `file://${full}`, 'refs/pull/7/merge')
  inside('checkout', '-q', 'FETCH_HEAD')
  return directory
}

test('the test merge is compared with its first parent: main as it is now', async () => {
  const { reference } = await chooseReference(world, context(), shallow(2), null)
  expect(reference).toEqual({ kind: 'git', ref: sha.main })
})

test('with a history of one commit there is no reference, and the note says how to get one', async () => {
  const { reference, note } = await chooseReference(world, context(), shallow(1), null)
  expect(reference).toBeNull()
  expect(note).toContain('fetch-depth: 2')
})

test('a checkout of the head itself is compared with the merge base', async () => {
  git('checkout', '-q', 'feature')
  const { reference } = await chooseReference(world, context(), full, null)
  expect(reference).toEqual({ kind: 'git', ref: sha.base })
})

test('a push to a branch is compared with its merge base with the default branch', async () => {
  git('checkout', '-q', 'feature')
  const push = { ...context('refs/heads/feature', sha.feature), pullRequest: null }
  expect((await chooseReference(world, push, full, null)).reference).toEqual({ kind: 'git', ref: sha.base })
})

test('the default branch is not compared with itself', async () => {
  git('checkout', '-q', 'main')
  const push = { ...context('refs/heads/main', sha.main), pullRequest: null }
  expect((await chooseReference(world, push, full, null)).reference).toBeNull()
})

test('outside git there is none', async () => {
  const { reference, note } = await chooseReference(world, context(), root, null)
  expect(reference).toBeNull()
  expect(note).toContain('no git checkout')
})

test.each([
  ['none', null],
  ['v1.2', { kind: 'git', ref: 'v1.2' }],
  ['main', { kind: 'git', ref: 'main' }],
  ['./old', { kind: 'repository', path: join(root, 'old') }],
  ['../old', { kind: 'repository', path: join(root, '../old') }],
  ['/srv/old', { kind: 'repository', path: '/srv/old' }],
])('reference: %s is taken at its word', async (input, expected) => {
  expect((await chooseReference(world, context(), root, input)).reference).toEqual(expected)
})

test('a release is compared with the one before it, fetched where the checkout lacks it', async () => {
  const before = { tag: 'v1', commit: sha.base }
  const whole = await chooseReference(world, context(), full, null, before)
  expect(whole).toMatchObject({ reference: { kind: 'git', ref: sha.base }, commit: sha.base })

  const directory = shallow(1)
  expect(await chooseReference(world, context(), directory, null, before)).toMatchObject({
    reference: null,
    note: expect.stringContaining('v1, is not in this checkout'),
  })
  execFileSync('git', ['-C', full, 'config', 'uploadpack.allowAnySHA1InWant', 'true'])
  execFileSync('git', ['-C', directory, 'remote', 'add', 'origin', `file://${full}`])
  expect(await chooseReference(world, context(), directory, null, before)).toMatchObject({ commit: sha.base })
})
