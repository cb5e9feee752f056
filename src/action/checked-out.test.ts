import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeRepository, type TestRepository } from '../../test/support/github/repository.ts'
import { asCheckedOut } from './checked-out.ts'
import { type Mode, planFor, readContext } from './context.ts'
import { runCommand } from './run-command.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-checked-out-'))
let repository: TestRepository
const sha: Record<'main' | 'newer' | 'feature' | 'merge', string> = {
  main: '',
  newer: '',
  feature: '',
  merge: '',
}
const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-C', folder, ...args], { stdio: 'pipe' })
const origin = (url: string) => git(repository.directory, 'config', 'remote.origin.url', url)

beforeAll(() => {
  repository = makeRepository(join(root, 'checkout'))
  sha.main = repository.commit('main', { 'models/m/config.pbtxt': 'a' })
  repository.branch('feature', 'main')
  sha.feature = repository.commit('feature', { 'models/m/config.pbtxt': 'b' })
  sha.merge = repository.testMerge('feature')
  repository.checkout('main')
  sha.newer = repository.commit('newer', { README: 'c' })
})
beforeEach(() => origin('https://github.com/O/r.git'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Event {
  readonly name: string
  readonly ref?: string
  readonly sha: string
  /** The pull request's head. */
  readonly head?: string
  readonly mode?: Mode
}

function judge({ name, ref = 'refs/heads/main', head, mode, ...event }: Event, folders?: readonly string[]) {
  const context = readContext(
    {
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_EVENT_NAME: name,
      GITHUB_SHA: event.sha,
      GITHUB_REF: ref,
      GITHUB_RUN_ID: '1',
    },
    {
      repository: { id: 1, default_branch: 'main' },
      ...(head === undefined
        ? {}
        : {
            pull_request: {
              number: 7,
              head: { sha: head, repo: { id: 1 } },
              base: { sha: sha.main, ref: 'main' },
            },
          }),
    },
  )
  const plan = planFor(context, mode ?? 'auto')
  const models = join(repository.directory, 'models')
  return asCheckedOut({ run: runCommand }, { context, plan }, folders ?? [models, repository.directory])
}
const commits = async (...args: Parameters<typeof judge>) => {
  const { context, plan } = await judge(...args)
  return { judged: plan.commit, measured: context.sha }
}

test('what the run is about is checked out: nothing changes', async () => {
  repository.checkout(sha.main)
  expect(await commits({ name: 'push', sha: sha.main })).toEqual({ judged: sha.main, measured: sha.main })
  repository.checkout(sha.merge)
  const pull = { name: 'pull_request', ref: 'refs/pull/7/merge', sha: sha.merge, head: sha.feature }
  expect(await commits(pull)).toEqual({ judged: sha.feature, measured: sha.merge })
})

test.each<[string, () => Event]>([
  ['mode baseline by its event', () => ({ name: 'schedule', sha: sha.main })],
  ['mode baseline as given', () => ({ name: 'workflow_dispatch', sha: sha.main, mode: 'baseline' })],
  ['a push', () => ({ name: 'push', ref: 'refs/heads/x', sha: sha.main })],
  ['a tag', () => ({ name: 'push', ref: 'refs/tags/v1', sha: sha.main })],
  ['a release', () => ({ name: 'release', ref: 'refs/tags/v1', sha: sha.main })],
  [
    'a merge queue',
    () => ({
      name: 'merge_group',
      ref: 'refs/heads/gh-readonly-queue/main/pr-7',
      sha: sha.main,
      mode: 'gate',
    }),
  ],
])('another commit is refused: %s', async (_, event) => {
  repository.checkout(sha.newer)
  await expect(judge(event())).rejects.toThrow(
    `commit ${sha.newer.slice(0, 7)} is checked out, but this run is about commit ${sha.main.slice(0, 7)}`,
  )
})

test('where a person chooses, the report speaks of what is checked out', async () => {
  repository.checkout(sha.newer)
  const event = { name: 'workflow_dispatch', sha: sha.main, mode: 'gate' as const }
  expect(await commits(event)).toEqual({ judged: sha.newer, measured: sha.newer })
})

test("a pull request's head, and every merge of it, is the pull request; anything else is refused", async () => {
  const pull = { name: 'pull_request', ref: 'refs/pull/7/merge', sha: 'c'.repeat(40), head: sha.feature }
  for (const revision of [sha.feature, sha.merge]) {
    repository.checkout(revision)
    expect(await commits(pull)).toEqual({ judged: sha.feature, measured: revision })
  }
  repository.checkout(sha.newer)
  await expect(judge(pull)).rejects.toThrow(`this run is about pull request #7 at ${sha.feature.slice(0, 7)}`)
})

test('pull_request_target checks the base out by itself: its numbers are not the pull request', async () => {
  const target = { name: 'pull_request_target', sha: sha.main, head: sha.feature }
  repository.checkout(sha.main)
  await expect(judge(target)).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('on pull_request_target give it the head'),
  })
  repository.checkout(sha.merge)
  expect(await commits(target)).toEqual({ judged: sha.feature, measured: sha.merge })
})

test('in a shallow clone of the test merge its head is known all the same', async () => {
  git(repository.directory, 'update-ref', 'refs/heads/merged', sha.merge)
  const shallow = join(root, 'shallow')
  execFileSync(
    'git',
    ['clone', '-q', '--depth=1', '-b', 'merged', `file://${repository.directory}`, shallow],
    { stdio: 'pipe' },
  )
  git(shallow, 'config', 'remote.origin.url', 'git@github.com:o/r.git')
  const event = { name: 'pull_request', sha: 'c'.repeat(40), head: sha.feature }
  expect(await commits(event, [shallow])).toEqual({ judged: sha.feature, measured: sha.merge })
})

test('an annotated tag is its commit, whichever of the two the event names', async () => {
  git(
    repository.directory,
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.invalid',
    'tag',
    '-f',
    '-a',
    '-m',
    'v1',
    'v1',
    sha.main,
  )
  repository.checkout(sha.main)
  const object = git(repository.directory, 'rev-parse', 'v1').toString().trim()
  expect(object).not.toBe(sha.main)
  for (const named of [sha.main, object, 'd'.repeat(40)]) {
    const tag = { name: 'push', ref: 'refs/tags/v1', sha: named }
    expect(await commits(tag)).toEqual({ judged: sha.main, measured: sha.main })
  }
  repository.checkout(sha.newer)
  await expect(judge({ name: 'push', ref: 'refs/tags/v1', sha: object })).rejects.toThrow('is checked out')
})

test("another repository's commits are not this run's, and without git its word holds", async () => {
  repository.checkout(sha.newer)
  const push = { name: 'push', sha: sha.main }
  expect(await commits(push, [root, join(root, 'nowhere')])).toEqual({ judged: sha.main, measured: sha.main })
  origin('https://github.com/models/r')
  expect(await commits(push)).toEqual({ judged: sha.main, measured: sha.main })
})
