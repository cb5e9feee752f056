// What git tells of the configuration, asked of a real repository.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { readGitFacts } from '../../src/git/git-facts.ts'
import { checkoutReference } from '../../src/git/reference.ts'
import { readInputs } from '../../src/load/read-inputs.ts'
import { inputHashes } from '../../src/profile/inputs.ts'
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
  return readGitFacts(world, { config, root: inside, reference, models: ['m'], inputHashes: null })
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
  ['broken', /^\.github\/triton-perf-gate\.yml is not a valid configuration: unknown key "latency_bugdet"/],
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
  const { contained } = await readGitFacts(world, {
    config,
    root: shallow,
    reference: null,
    models: [],
    inputHashes: null,
  })
  expect(contained.map(({ isContained }) => isContained)).toEqual([null, null, null])
})

test('what the reference would send: its own files, wherever the configuration has them from', async () => {
  const outside = join(folder, 'outside.json')
  const json = (value: number) => JSON.stringify({ data: [{ X: [value] }] })
  writeFileSync(outside, json(0))
  const withData = (path: string) => `perf_analyzer_flags: {input-data: ${path}}\n`
  const texts = {
    'gate/relative.yml': withData('../data/in.json'),
    'gate/absolute.yml': withData(join(root, 'data/in.json')),
    'gate/outside.yml': withData(outside),
    'gate/untracked.yml': withData('../untracked.json'),
    'gate/source.yml': 'gate: {inputs: {m: {X: {file: ../data/in.json}}}}\n',
  }
  await commit('heavy', { ...texts, 'data/in.json': json(1) })
  writeFileSync(join(root, 'untracked.json'), json(3))
  const configOf = (file: string) => loadConfig({ file: join(root, file), overrides: {} })
  const sentNow = async (file: string) =>
    (await readInputs((await configOf(file)).settingsFor('m').input)).sha256
  const sentBefore = new Map<string, string>()
  for (const file of Object.keys(texts)) sentBefore.set(file, await sentNow(file))
  await commit('light', { 'data/in.json': json(2) })

  const checkout = await checkoutReference(world, root, commits.heavy ?? '')
  const found: Record<string, string | null | undefined> = {}
  try {
    for (const file of Object.keys(texts)) {
      const { reference } = await readGitFacts(world, {
        config: await configOf(file),
        root,
        reference: checkout.commit,
        models: ['m'],
        inputHashes: (theirs) => inputHashes(theirs, ['m'], { root, checkout: checkout.path }),
      })
      if (reference?.status !== 'read') throw new Error(JSON.stringify(reference))
      found[file] = reference.limits.models[0]?.inputData
    }
  } finally {
    await checkout.remove()
  }
  expect(found).toEqual({ ...Object.fromEntries(sentBefore), 'gate/untracked.yml': null })
  for (const file of ['gate/relative.yml', 'gate/absolute.yml', 'gate/source.yml'])
    expect(await sentNow(file)).not.toBe(found[file])
})
