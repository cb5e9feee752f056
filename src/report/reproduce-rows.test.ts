import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { firstRunResult, passResult } from '../../test/support/result-fixtures.ts'
import type { BaselineStatus, Result } from '../domain/result.ts'
import { reproduce } from './reproduce-rows.ts'

const plain: Result = {
  ...passResult(),
  baseline: { status: 'notRequested' },
  reference: null,
  invocation: {
    command: 'run',
    mode: 'gate',
    flags: ['--model-repository models', '--config ci/gate.yml', '--time-budget 60s'],
    output: 'out',
    policies: ['--latency-budget 10', '--release'],
  },
}
const found = (source: string): BaselineStatus => ({ status: 'found', source, commit: null, createdAt: '' })
const file = (path: string): BaselineStatus => ({
  status: 'found',
  source: path,
  file: path,
  commit: null,
  createdAt: '',
})
const of = (change: Partial<Result>) => reproduce({ ...plain, ...change })
const again = 'triton-perf-gate run --triton embedded --models text_recognition,ocr'
const flags = '--model-repository models --config ci/gate.yml --time-budget 60s'
const policies = '--latency-budget 10 --release'
const judged = 'triton-perf-gate compare --measurements out/measurements.json --config ci/gate.yml'
const artifact = 'artifact base of run 55 of 2026-01-01T00:00:00Z at aaaaaaa, sha256:1234'

test.each<[string, Partial<Result>, string, string]>([
  [
    'by a commit beside it',
    { reference: { description: 'merge base 1a2b3c4', commit: '1a2b3c4' } },
    '--reference 1a2b3c4',
    '',
  ],
  [
    'by a folder beside it',
    { reference: { description: '/srv/old/models', commit: null } },
    '--reference-repository /srv/old/models',
    '',
  ],
  [
    'by a baseline',
    { baseline: file('main/baseline.json') },
    '--baseline main/baseline.json',
    '--baseline main/baseline.json',
  ],
  [
    'by the history of the reference, which cleared it',
    { reference: { description: 'main (1a2b3c4)', commit: '1a2b3c4' }, baseline: file('b.json') },
    '--reference 1a2b3c4 --baseline b.json',
    '--baseline b.json',
  ],
  [
    'invalid, since the baseline is of another machine',
    {
      baseline: {
        status: 'incompatible',
        source: 'b.json',
        file: 'b.json',
        commit: null,
        createdAt: '',
        differences: [],
        next: '',
      },
    },
    '--baseline b.json',
    '--baseline b.json',
  ],
  [
    'a release and what crept since the last',
    { baseline: file('v1.json'), recent: file('main.json') },
    '--baseline v1.json --history main.json',
    '--baseline v1.json --history main.json',
  ],
  [
    'without a baseline that could be read',
    { baseline: { status: 'unreadable', source: 'b.json', why: 'cut off', next: '' } },
    '',
    '',
  ],
])('a verdict %s', (_, change, sides, stored) => {
  const words = (...parts: string[]) => parts.filter((part) => part !== '').join(' ')
  expect(of(change).map(({ command }) => command)).toEqual([
    words(again, flags, sides, policies),
    words(judged, stored, policies),
  ])
})

test('models that were chosen are chosen again where it is judged, since others would be missed there', () => {
  const policies = ['--models text_recognition,ocr', '--release']
  const chosen = of({ invocation: { command: 'run', mode: 'gate', flags: [], output: '.', policies } })
  expect(chosen.map(({ command }) => command)).toEqual([
    `${again} --release`,
    'triton-perf-gate compare --measurements measurements.json --models text_recognition,ocr --release',
  ])
})

test('an artifact is named, and the two of a release are told apart', () => {
  const [measured] = of({ commit: 'a'.repeat(40), baseline: found(artifact), recent: found(artifact) })
  expect(measured?.text).toBe(
    `In the repository at commit aaaaaaa, with baseline.json of ${artifact} as baseline.json and baseline.json of ${artifact} as newest-baseline.json:`,
  )
  expect(measured?.command).toContain(' --baseline baseline.json --history newest-baseline.json ')
})

test('what compares with nothing cannot be judged by compare, and a search is searched again', () => {
  const searched = of({
    invocation: { command: 'search', mode: 'baseline', flags: [], output: '.', policies: [] },
  })
  expect(searched.map(({ command }) => command)).toEqual([again.replace(' run ', ' search ')])
  expect(reproduce(firstRunResult())).toHaveLength(1)
})

/** What a real shell makes of a command: the program's arguments. */
function argumentsOf(command: string): string[] {
  const script = `triton_perf_gate() { printf '%s\\0' "$@"; }\n${command.replace(/^triton-perf-gate /, 'triton_perf_gate ')}`
  const output = execFileSync('/bin/sh', ['-uc', script], { cwd: '/', env: {} })
  return output.toString().split('\0').slice(0, -1)
}

test('paths of any kind come through a shell as they are', () => {
  const [measured, judged] = of({
    invocation: {
      command: 'run',
      mode: 'gate',
      flags: ["--model-repository my models/it's", '--config a b/$(id).yml'],
      output: '-out `x`',
      policies: ['--models text_recognition,ocr', '--release'],
    },
    reference: { description: '/srv/old "models"', commit: null },
    baseline: file('main branch/baseline.json'),
    recent: file('-newest.json'),
  }).map(({ command }) => argumentsOf(command))
  expect(measured).toEqual([
    'run',
    '--triton',
    'embedded',
    '--models',
    'text_recognition,ocr',
    '--model-repository',
    "my models/it's",
    '--config',
    'a b/$(id).yml',
    '--reference-repository',
    '/srv/old "models"',
    '--baseline',
    'main branch/baseline.json',
    '--history=-newest.json',
    '--release',
  ])
  expect(judged).toEqual([
    'compare',
    '--measurements=-out `x`/measurements.json',
    '--config',
    'a b/$(id).yml',
    '--baseline',
    'main branch/baseline.json',
    '--history=-newest.json',
    '--models',
    'text_recognition,ocr',
    '--release',
  ])
})

test('of a file from elsewhere only flags with a value of one word reach the line of a shell', () => {
  const hostile = "$(rm -rf ~); `id` ' | sh #"
  const commands = of({
    invocation: {
      command: 'run',
      mode: 'gate',
      flags: [hostile, `--config ${hostile}`, `--a${hostile} b`, '--config a\nb'],
      output: hostile,
      policies: [hostile],
    },
    reference: { description: hostile, commit: hostile },
    baseline: file(hostile),
    models: plain.models.map((model) => ({ ...model, name: hostile })),
  })
  expect(commands.map(({ command }) => argumentsOf(command))).toEqual([
    ['run', '--triton', 'embedded', '--config', hostile, '--baseline', hostile],
    ['compare', '--measurements', `${hostile}/measurements.json`, '--config', hostile, '--baseline', hostile],
  ])
  const endless = of({ baseline: file('x'.repeat(5000)) })
  expect(endless).toEqual([])
})
