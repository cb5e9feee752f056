import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunOptions } from '../domain/world.ts'
import { runCommand } from '../system/run-command.ts'
import { lastRelease } from './last-release.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-last-release-'))
const full = join(root, 'full')
afterAll(() => rmSync(root, { recursive: true, force: true }))

let day = 1
function git(...args: string[]): string {
  // Tags are sorted by their time, in whole seconds.
  const date = `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`
  const settings = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', '-C', full]
  const env = { ...process.env, GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date }
  return execFileSync('git', [...settings, ...args], { encoding: 'utf8', stdio: 'pipe', env }).trim()
}
const commit = (...tags: string[]) => {
  day += 1
  git('commit', '-q', '--allow-empty', '-m', `${day}`)
  for (const tag of tags) git('tag', tag)
  return git('rev-parse', 'HEAD')
}
const world = {
  run: (command: string, args: readonly string[], options: RunOptions = {}) =>
    runCommand(command, args, options, new AbortController().signal),
}
const at = (revision: string) => {
  git('checkout', '-q', '--detach', revision)
  return lastRelease(world, full)
}

const sha: Record<string, string> = {}

/** v1.0 – v1.1 (with a message) – v2.0-rc1 – v2.0; and v1.1.1, younger than v2.0, on a branch of v1.1. */
beforeAll(() => {
  execFileSync('git', ['init', '-q', '-b', 'main', full])
  sha.first = commit('start', 'nightly-20260101')
  sha.one = commit('v1.0')
  sha.oneOne = commit()
  git('tag', '-a', '-m', 'the next', 'v1.1')
  commit('v2.0-rc1', 'v2.0-rc.2', 'nightly')
  sha.two = commit('v2.0')
  sha.main = commit()
  git('checkout', '-q', '-b', 'fix', 'v1.1')
  sha.fix = commit('v1.1.1')
})

test('the newest version that this commit grew out of, whatever came after it elsewhere', async () => {
  expect(await at(sha.main ?? '')).toEqual({ tag: 'v2.0', commit: sha.two })
  expect(await at(sha.fix ?? '')).toEqual({ tag: 'v1.1', commit: sha.oneOne })
})

test('a release is not compared with itself, and neither pre-releases nor other tags are releases', async () => {
  expect(await at('v2.0')).toEqual({ tag: 'v1.1', commit: sha.oneOne })
  expect(await at('v1.1')).toEqual({ tag: 'v1.0', commit: sha.one })
  expect(await at('v1.0')).toBeNull()
})

test('the names that projects give their versions', async () => {
  git('checkout', '-q', '--detach', 'main')
  for (const tag of ['models-v4', 'release/1.2', '3.0']) {
    commit(tag)
    expect(await at('HEAD')).not.toMatchObject({ tag })
    commit()
    expect(await at('HEAD')).toMatchObject({ tag })
  }
})

test('a version of last night, or of a release to come, is no release', async () => {
  git('checkout', '-q', '--detach', 'main')
  commit('v5.0')
  commit('nightly-2026.11.26', 'v6.0-rc-1.0', 'preview/6.0', 'dev.6.1')
  commit()
  expect(await at('HEAD')).toMatchObject({ tag: 'v5.0' })
  commit('predict/6.0')
  commit()
  expect(await at('HEAD')).toMatchObject({ tag: 'predict/6.0' })
})

test('none outside git', async () => {
  expect(await lastRelease(world, root)).toBeNull()
})
