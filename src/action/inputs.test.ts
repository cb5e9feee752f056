import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { addCommands } from '../cli/commands.ts'
import { loadConfig } from '../config/load-config.ts'
import { GateError } from '../domain/error.ts'
import { type InputName, inputDefaults, overridesOf, readInputs } from './inputs.ts'
import { outputNames } from './outputs.ts'

const root = join(import.meta.dirname, '../..')

interface Metadata {
  inputs: Record<string, { description: string; required: boolean; default: string }>
  outputs: Record<string, { description: string }>
  runs: Record<string, string>
}
const metadata = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Metadata

const read = (given: Partial<Record<InputName, string>>) =>
  readInputs((name) => given[name] ?? (name === 'github-token' ? 'ghs_0' : inputDefaults[name]))

test('action.yml declares the inputs that the code reads, with the same defaults', () => {
  const declared = Object.entries(metadata.inputs).map(([name, input]) => [name, input.default])
  expect(Object.fromEntries(declared)).toEqual(inputDefaults)
  expect(Object.values(metadata.inputs).every(({ description }) => description.length > 10)).toBe(true)
})

test('action.yml declares the outputs that the code sets', () => {
  expect(Object.keys(metadata.outputs)).toEqual([...outputNames])
})

test('action.yml points at files that are committed', () => {
  expect(metadata.runs).toEqual({
    using: 'node24',
    main: 'dist/action/index.js',
    post: 'dist/post/index.js',
    'post-if': 'always()',
  })
  expect(existsSync(join(root, 'dist/action/index.js'))).toBe(true)
  expect(existsSync(join(root, 'dist/post/index.js'))).toBe(true)
})

test('docs/github-action.md has every input, flag of run and policy where the others are', () => {
  const page = readFileSync(join(root, 'docs/github-action.md'), 'utf8')
  const [, section = ''] = /## What can be said where\n([\s\S]*?)\n## /.exec(page) ?? []
  const words = new Set(Array.from(section.matchAll(/`([^`]+)`/g), ([, word]) => word))
  const program = new Command()
  addCommands((name) => program.command(name))
  const run = program.commands.find((command) => command.name() === 'run')
  const flags = (run?.options ?? []).flatMap(({ long }) => long ?? [])
  expect(flags.length).toBeGreaterThan(15)
  const overriding = Object.keys(inputDefaults).filter((name) => !ofActionAlone.includes(name))
  const policies = [
    'on_inconclusive',
    'on_missing_baseline',
    'release',
    'on_creep',
    'screening',
    'attribution',
  ]
  const wanted = [...flags, ...overriding, ...policies.map((key) => `gate.${key}`)]
  expect(wanted.filter((word) => !words.has(word))).toEqual([])
  const keys = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
  const named = [...words].filter((word) => /^[a-z_.]+$/.test(word ?? '') && /_|gate\./.test(word ?? ''))
  expect(named.filter((word) => !keys.includes(`\`${word}\``))).toEqual([])
})

/** What only a workflow knows. */
const ofActionAlone: readonly string[] = [
  'mode',
  'baseline-artifact-name',
  'baseline-workflow',
  'baseline-run-id',
  'skip-untouched',
  'comment',
  'comment-key',
  'suggest',
  'github-token',
]

test("the README's tables say of each input and output what action.yml says", () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| `([\w-]+)` +\|(.*)\|$/gm)].map(([, name = '', rest = '']) => [
    name,
    ...rest.split('|').map((each) => each.trim()),
  ])
  const line = (text: string) => text.trim().split(/\s+/).join(' ')
  const expected = [
    ...Object.entries(metadata.inputs).map(([name, input]) => [
      name,
      input.default === '' ? '' : `\`${input.default}\``,
      line(input.description),
    ]),
    ...Object.entries(metadata.outputs).map(([name, output]) => [name, line(output.description)]),
  ]
  const names = new Set(expected.map(([name]) => name))
  expect(rows.filter(([name]) => names.has(name))).toEqual(expected)
})

test('without any input the defaults hold', () => {
  expect(read({})).toMatchObject({
    mode: 'auto',
    modelRepository: null,
    models: null,
    latencyBudgetMs: null,
    baselineArtifactName: 'triton-perf-gate-baseline',
    baselineWorkflow: null,
    comment: true,
    commentKey: 'default',
    githubToken: 'ghs_0',
    outputDirectory: 'triton-perf-gate-out',
  })
})

test('lists may be parted by commas and lines, numbers have the unit of the configuration', () => {
  const inputs = read({
    models: 'a, b\n\n c ',
    'latency-budget': '12.5',
    'min-throughput': '100',
    comment: 'false',
  })
  expect(inputs).toMatchObject({
    models: ['a', 'b', 'c'],
    latencyBudgetMs: 12.5,
    minThroughput: 100,
    comment: false,
  })
})

test('every bad input is named at once', () => {
  const bad = {
    mode: 'gates',
    triton: 'podman',
    'latency-budget': '-1',
    'min-throughput': 'NaN',
    'time-budget': 'soon',
    'on-inconclusive': 'ignore',
    'search-mode': 'fast',
    comment: 'yes',
    'comment-key': 'a --> b',
    'baseline-artifact-name': 'a/b',
    'baseline-workflow': '../main.yml',
  }
  let thrown: unknown
  try {
    read(bad)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(GateError)
  const { code, problems } = thrown as GateError
  expect(code).toBe('usage')
  expect(problems.map(({ key }) => key).sort()).toEqual(Object.keys(bad).sort())
  expect(problems.every(({ remedy }) => remedy !== undefined)).toBe(true)
})

test('a release is judged by the policies of a release, above which the input stands', async () => {
  const policiesOf = async (inputs: Parameters<typeof read>[0], mode: 'gate' | 'release') => {
    const { gate } = await loadConfig({ file: null, overrides: overridesOf(read(inputs), mode) })
    return [gate.onInconclusive, gate.onMissingBaseline]
  }
  expect(await policiesOf({}, 'gate')).toEqual(['warn', 'inconclusive'])
  expect(await policiesOf({}, 'release')).toEqual(['fail', 'fail'])
  expect(await policiesOf({ 'on-inconclusive': 'warn' }, 'release')).toEqual(['warn', 'fail'])
})

test.each(['0', '-1', '1.5', '1e3', '0x10', '9'.repeat(20), '12; rm -rf /', 'latest'])(
  'baseline-run-id %j is no number of a run',
  (value) => {
    expect(() => read({ 'baseline-run-id': value })).toThrow(GateError)
  },
)
