// What git tells of the configuration, asked of a real repository.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { readGitFacts } from '../../src/git/git-facts.ts'
import { testWorld } from '../support/embedded-triton.ts'

const world = testWorld()
const folder = mkdtempSync(join(tmpdir(), 'tpg-facts-'))
const root = join(folder, 'repository')
const commits: Record<string, string> = {}
afterAll(() => rmSync(folder, { recursive: true }))

async function git(...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false']
  const output = await world.run('git', ['-C', root, ...identity, ...args])
  if (output.exitCode !== 0) throw new Error(output.stderr)
  return output.stdout.trim()
}

async function commit(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  await git('add', '--all')
  await git('commit', '--quiet', '--allow-empty', `--message=${name}`)
  commits[name] = await git('rev-parse', 'HEAD')
}

beforeAll(async () => {
  mkdirSync(root, { recursive: true })
  await git('init', '--quiet', '--initial-branch=main')
  await commit('none', { readme: '' })
  await commit('strict', { '.github/triton-perf-gate.yml': 'latency_budget: 10\n' })
  await commit('broken', { '.github/triton-perf-gate.yml': 'latency_bugdet: 10\n' })
  rmSync(join(root, '.github/triton-perf-gate.yml'))
  symlinkSync('../readme', join(root, '.github/triton-perf-gate.yml'))
  await commit('link', {})
  await git('switch', '--quiet', '--create', 'repair')
  await commit('repair', { repaired: '' })
  await git('switch', '--quiet', 'main')
  rmSync(join(root, '.github/triton-perf-gate.yml'))
  await commit('head', { 'triton-perf-gate.yml': 'latency_budget: 20\n' })
})

const facts = async (reference: string | null, text?: string, inside: string | null = root) => {
  const file = join(root, 'triton-perf-gate.yml')
  if (text !== undefined) writeFileSync(file, text)
  const config = await loadConfig({ file, overrides: {} })
  return readGitFacts(world, { config, root: inside, reference, models: ['m'] })
}
const referenceAt = async (name: string) => (await facts(commits[name] ?? '')).reference

test('the limits of the reference, also where its configuration stood elsewhere', async () => {
  const reference = await referenceAt('strict')
  if (reference?.status !== 'read') throw new Error(JSON.stringify(reference))
  expect(reference.commit).toBe(commits.strict)
  expect(reference.limits.models[0]?.constraints).toMatchObject([{ name: 'perf_latency_p99', limit: 10e6 }])
})

test('a reference without a configuration has the defaults', async () => {
  const reference = await referenceAt('none')
  expect(reference).toMatchObject({ status: 'read', limits: { models: [{ name: 'm', constraints: [] }] } })
})

test.each([
  ['broken', /is not a valid configuration: unknown key "latency_bugdet"/],
  ['link', /no plain file/],
  ['nowhere', /does not have this commit/],
])('%s: unreadable, with the reason', async (name, why) => {
  const reference = (await facts(commits[name] ?? '0123456789')).reference
  expect(reference).toMatchObject({ status: 'unreadable', why: expect.stringMatching(why) })
})

test('outside git, and without a reference, there is nothing to tell', async () => {
  expect(await facts(null)).toEqual({ contained: [], reference: null })
  expect(await facts(commits.strict ?? '', undefined, null)).toEqual({ contained: [], reference: null })
})

test('whether the commits that end an acceptance are part of HEAD', async () => {
  const entries = ['strict', 'repair', 'nowhere'].map(
    (name, index) =>
      `{model: m, metric: perf_throughput, concurrency: ${index + 1}, up_to: 5%, reason: r, until_commit: "${commits[name] ?? '0123456789'}"}`,
  )
  const text = `gate: {accepted: [${entries.join(', ')}]}\n`
  const { contained } = await facts(null, text)
  expect(contained.map(({ isContained }) => isContained)).toEqual([true, false, null])
  expect((await facts(null, text, null)).contained.map(({ isContained }) => isContained)).toEqual([
    null,
    null,
    null,
  ])
})

test('a shallow clone does not know what it has not fetched', async () => {
  const shallow = join(folder, 'shallow')
  await git('clone', '--quiet', '--depth=1', '--no-single-branch', `file://${root}`, shallow)
  const config = await loadConfig({ file: join(root, 'triton-perf-gate.yml'), overrides: {} })
  const { contained } = await readGitFacts(world, { config, root: shallow, reference: null, models: [] })
  expect(contained.map(({ isContained }) => isContained)).toEqual([null, null, null])
})
