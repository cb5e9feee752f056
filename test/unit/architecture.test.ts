import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const source = join(import.meta.dirname, '../../src')

/** The floors of ARCHITECTURE.md: a file imports its own folder and floors strictly below. */
const floors: Record<string, number> = {
  domain: 0,
  proto: 0,
  stats: 1,
  'model-config': 1,
  config: 1,
  system: 1,
  http2: 1,
  plan: 2,
  repository: 2,
  triton: 2,
  gpu: 2,
  git: 2,
  load: 2,
  'perf-analyzer': 2,
  search: 2,
  profile: 3,
  baseline: 3,
  compare: 3,
  report: 3,
  'gate.ts': 4,
  'gate-request.ts': 4,
  'judge.ts': 4,
  'screening.ts': 4,
  action: 5,
  cli: 5,
}

/** Tests, and what stands beside them for them alone. */
const ofTests = /\.test\.ts$|(^|\/)testing-[^/]*\.ts$|(^|\/)test\//

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /(?<!\.d)\.ts$/.test(file) && !ofTests.test(file) && statSync(join(source, file)).isFile(),
)
const roomOf = (file: string) => file.split('/')[0] ?? ''
const imports = files.flatMap((file) =>
  [...readFileSync(join(source, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => ({
      file,
      target: match[1] ?? '',
    }),
  ),
)
const edges = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({ file, target: relative(source, join(source, dirname(file), target)) }))
  .filter(({ file, target }) => roomOf(file) !== roomOf(target))

test('every file stands in a room with a floor', () => {
  expect([...new Set(files.map(roomOf))].filter((room) => floors[room] === undefined)).toEqual([])
})

test('the product imports nothing of the tests', () => {
  expect(imports.filter(({ target }) => ofTests.test(target))).toEqual([])
})

test('files import only floors strictly below their own', () => {
  expect(edges.length).toBeGreaterThan(50)
  const wrong = edges.filter(({ file, target }) => {
    const from = floors[roomOf(file)]
    const to = floors[roomOf(target)]
    return from === undefined || to === undefined || to > from || (to === from && from !== 4)
  })
  expect(wrong).toEqual([])
})

test('only the action imports the toolkit of GitHub Actions', () => {
  const toolkit = imports.filter(({ target }) => target.startsWith('@actions/'))
  expect(toolkit.length).toBeGreaterThan(0)
  expect(toolkit.filter(({ file }) => roomOf(file) !== 'action')).toEqual([])
})

test('child processes are started in system/ alone', () => {
  const starters = imports.filter(({ target }) => target === 'node:child_process')
  expect(starters.length).toBeGreaterThan(0)
  expect(starters.filter(({ file }) => roomOf(file) !== 'system')).toEqual([])
})
