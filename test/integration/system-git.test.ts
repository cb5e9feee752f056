import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkoutReference, headCommit, repositoryRoot } from '../../src/git/reference.ts'
import { testWorld } from '../support/embedded-triton.ts'

const world = testWorld()
let folder: string
let repository: string
let first: string

async function git(...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false']
  const output = await world.run('git', ['-C', repository, ...identity, ...args])
  if (output.exitCode !== 0) throw new Error(output.stderr)
  return output.stdout.trim()
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-git-'))
  repository = join(folder, 'repository')
  mkdirSync(join(repository, 'models'), { recursive: true })
  await git('init', '--quiet', '--initial-branch=main')
  writeFileSync(join(repository, 'models', 'file'), 'old')
  await git('add', '.')
  await git('commit', '--quiet', '--message=first')
  first = await git('rev-parse', 'HEAD')
  writeFileSync(join(repository, 'models', 'file'), 'new')
  await git('commit', '--quiet', '--all', '--message=second')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('an earlier commit is checked out beside the working tree, and removed', async () => {
  const checkout = await checkoutReference(world, join(repository, 'models'), 'HEAD~1')
  expect(checkout.commit).toBe(first)
  expect(readFileSync(join(checkout.path, 'models', 'file'), 'utf8')).toBe('old')
  expect(readFileSync(join(repository, 'models', 'file'), 'utf8')).toBe('new')
  await checkout.remove()
  expect(existsSync(checkout.path)).toBe(false)
  expect(await git('worktree', 'list')).not.toContain('triton-perf-gate')
})

test('what a killed run left behind goes; what a living one uses stays', async () => {
  const living = await checkoutReference(world, repository, first)
  const dead = living.path.replace(/\.\d+\.(\d+)\.(\w+)$/, '.4194305.$1.$2')
  expect(dead).not.toBe(living.path)
  await git('worktree', 'add', '--detach', dead, first)
  const next = await checkoutReference(world, repository, first)
  expect(existsSync(dead)).toBe(false)
  expect(existsSync(living.path)).toBe(true)
  await living.remove()
  await next.remove()
})

test('root and HEAD, in and outside git', async () => {
  expect(await repositoryRoot(world, join(repository, 'models'))).toBe(repository)
  expect(await repositoryRoot(world, repository)).toBe(repository)
  expect(await headCommit(world, join(repository, 'models'))).toBe(await git('rev-parse', 'HEAD'))
  expect(await repositoryRoot(world, folder)).toBeNull()
  expect(await headCommit(world, folder)).toBeNull()
})

test('unknown commits, shallow clones and plain folders are told apart', async () => {
  await expect(checkoutReference(world, repository, 'nowhere')).rejects.toMatchObject({
    code: 'usage',
    message: 'git does not know nowhere',
  })
  await expect(checkoutReference(world, repository, '--orphan')).rejects.toMatchObject({ code: 'usage' })
  await expect(checkoutReference(world, folder, 'main')).rejects.toMatchObject({
    message: expect.stringContaining('is not in a git repository'),
    hint: expect.stringContaining('--reference-repository'),
  })
  const shallow = join(folder, 'shallow')
  await git('clone', '--quiet', '--depth=1', `file://${repository}`, shallow)
  await expect(checkoutReference(world, shallow, first)).rejects.toMatchObject({
    code: 'environment',
    hint: expect.stringContaining('fetch-depth: 0'),
  })
})
