// What `run`, `measure`, `compare` and `report` write and print, from the built bundle and the real embedded Triton.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Baseline, type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import { type Result, resultSchema } from '../../src/domain/result.ts'
import { nsPerSecond } from '../../src/domain/world.ts'
import { connectTriton, type TritonClient } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer, type TritonServer } from '../../src/triton/server.ts'
import { type CliResult, findNode20, runCli } from '../support/cli.ts'
import { addOneAfter, embeddedLauncher, testWorld, writePythonModel } from '../support/embedded-triton.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-cli-run-'))
const temporary = join(root, 'tmp')
const repository = join(root, 'repository')
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
    cwd: repository,
    encoding: 'utf8',
    stdio: 'pipe',
  })
const text = (name: string): string => readFileSync(join(root, name), 'utf8')
const filesIn = (name: string): string[] =>
  readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).sort()

/** All temporary folders of the program go into one of ours, so that what is left there is seen. */
const tpg = (args: string, node?: string): Promise<CliResult> =>
  runCli(args.split(' '), {
    cwd: root,
    env: { TMPDIR: temporary, RUNNER_TEMP: undefined },
    ...(node === undefined ? {} : { node }),
  })

const settings = `
profile_models:
  paced:
    parameters:
      concurrency: 1,2
latency_budget: 1000
run_config_search_max_instance_count: 2
run_config_search_max_concurrency: 4
gate:
  triton: embedded
  repetitions: 2
  search_max_measurements: 4
  warmup_seconds: 0.1
  measurement_seconds: 0.5
  block_milliseconds: 100
`

let alone: CliResult
let beside: CliResult

beforeAll(async () => {
  mkdirSync(temporary)
  writePythonModel(join(repository, 'models'), 'paced', { python: addOneAfter(2) })
  writeFileSync(join(root, 'gate.yml'), settings)
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'first')
  appendFileSync(join(repository, 'models/paced/1/model.py'), '# a harmless change\n')
  git('commit', '--quiet', '--all', '--message', 'second')
  const onModels = 'run --model-repository repository/models --config gate.yml'
  alone = await tpg(`${onModels} --time-budget 25s --output alone --json`)
  beside = await tpg(
    `${onModels} --search-mode off --time-budget 40s --reference HEAD~1 --baseline alone/baseline.json --output beside`,
  )
})
afterAll(() => rmSync(root, { recursive: true }))

const resultOf = (folder: string): Result => resultSchema.parse(JSON.parse(text(`${folder}/result.json`)))

test('run writes the named files and no others', () => {
  const named = [
    'baseline.json',
    'measurements.json',
    'metrics-model-inference.csv',
    'report.html',
    'report.md',
    'result.json',
    'server.log',
  ]
  const patch = resultOf('alone').models[0]?.best?.patch
  const patches = patch == null ? [] : ['best-config', 'best-config/paced.patch']
  expect(filesIn('alone')).toEqual([...named, ...patches].sort())
  if (patch != null) git('apply', '--check', join(root, 'alone/best-config/paced.patch'))
  expect(filesIn('beside')).toEqual(named)
  expect(text('alone/server.log')).toContain('[candidate]')
  expect(text('beside/server.log')).toContain('[reference]')
})

test('--json prints result.json and nothing else; progress goes to stderr', () => {
  expect(alone.exitCode, alone.stderr).toBe(0)
  expect(alone.stdout).toBe(text('alone/result.json'))
  expect(alone.stderr).toContain('paced: repetition 1 of 2')
  expect(alone.stderr).toMatch(/paced: sweep 1: .* at concurrency \d+: \d.* infer\/s, p99 latency .* ms/)
  expect(alone.stderr).toMatch(/paced: stopping \d+ server/)
})

test('without --json the report is printed', () => {
  expect(beside.stdout).toBe(text('beside/report.md'))
})

test.each(['measurements', 'baseline', 'result'])('%s.json is as its published schema says', (kind) => {
  const published = readFileSync(join(import.meta.dirname, `../../schema/${kind}.schema.json`), 'utf8')
  const schema = z.fromJSONSchema(JSON.parse(published) as Parameters<typeof z.fromJSONSchema>[0])
  for (const folder of ['alone', 'beside']) {
    const { error } = schema.safeParse(JSON.parse(text(`${folder}/${kind}.json`)))
    expect(error?.issues ?? []).toEqual([])
  }
})

test('the sweep is in the result, with an answer', () => {
  const [model] = resultOf('alone').models
  expect(model?.search?.measurements).toBeGreaterThan(0)
  expect(model?.scenarios.filter(({ role }) => role === 'sweep').length).toBe(model?.search?.measurements)
  expect(model?.best).not.toBeNull()
})

test('the reference is measured beside it, and the baseline stands beside both', () => {
  const result = resultOf('beside')
  expect(result).toMatchObject({
    commit: git('rev-parse', 'HEAD').trim(),
    complete: true,
    baseline: { status: 'found', source: 'alone/baseline.json' },
    reference: { commit: git('rev-parse', 'HEAD~1').trim() },
  })
  expect(beside.exitCode).toBe(result.verdict.exitCode)
  const primary = result.models[0]?.comparisons.filter((comparison) => comparison.primary) ?? []
  // On a busy machine too few requests for a p99 leave a lower percentile to be gated.
  const kindOf = (metric: string) => (/^latencyP9[059]Ns$/.test(metric) ? 'latency' : metric)
  expect(
    primary
      .map(({ metric, load }) => `${kindOf(metric)} ${'concurrency' in load ? load.concurrency : ''}`)
      .sort(),
  ).toEqual(['inferPerSec 1', 'inferPerSec 2', 'latency 1', 'latency 2'])
  for (const { metric, against, reference, candidate, changeRatio, repetitions, baselineValue } of primary) {
    expect({ against, repetitions }).toEqual({ against: 'reference', repetitions: 2 })
    expect([reference, candidate, changeRatio].every((value) => (value ?? 0) > 0)).toBe(true)
    // It may have had too few requests for the percentile that is gated here.
    if (baselineValue !== null || metric === 'inferPerSec') expect(baselineValue).toBeGreaterThan(0)
  }
})

test("the user's repository is as it was, and no temporary folder is left", () => {
  expect(git('status', '--porcelain', '--ignored')).toBe('')
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  expect(filesIn('repository/models').filter((name) => name.includes('__pycache__'))).toEqual([])
  expect(readdirSync(temporary)).toEqual([])
})

test('compare gives the same result again from the files, byte for byte', async () => {
  const again = await tpg(
    'compare --measurements beside/measurements.json --baseline alone/baseline.json --config gate.yml --output again --json',
  )
  expect(again.exitCode).toBe(beside.exitCode)
  expect(again.stdout).toBe(text('beside/result.json'))
  const judged = ['metrics-model-inference.csv', 'report.html', 'report.md', 'result.json']
  for (const name of judged) expect(text(`again/${name}`)).toBe(text(`beside/${name}`))
  // What was measured is its input, and is not written again.
  expect(filesIn('again').filter((name) => !name.startsWith('best-config'))).toEqual(judged)
})

test('the report says how to measure again, and how to come to the same verdict', async () => {
  const [again = '', judged = ''] = Array.from(
    text('beside/report.md').matchAll(/`triton-perf-gate ((?:run|compare) [^`]+)`/g),
    ([, args]) => args,
  )
  const reference = git('rev-parse', 'HEAD~1').trim()
  expect(again).toBe(
    `run --triton embedded --models paced --model-repository repository/models --config gate.yml --time-budget 40s --search-mode off --reference ${reference} --baseline alone/baseline.json`,
  )
  const { exitCode } = await tpg(`${judged} --output reproduced`)
  expect(exitCode).toBe(beside.exitCode)
  expect(text('reproduced/result.json')).toBe(text('beside/result.json'))
})

test.each([
  ['markdown', 'report.md'],
  ['html', 'report.html'],
  ['json', 'result.json'],
])('report --format %s is %s', async (format, file) => {
  const report = await tpg(`report --result beside/result.json --format ${format}`)
  expect(report.stdout).toBe(text(`beside/${file}`))
  expect(report.exitCode).toBe(beside.exitCode)
})

/** The verdict of the first run's measurements against its own baseline, once that has been tampered with. */
async function compareWith(tamper: (baseline: string) => string): Promise<CliResult> {
  writeFileSync(join(root, 'other.json'), tamper(text('alone/baseline.json')))
  return tpg(
    'compare --measurements alone/measurements.json --baseline other.json --config gate.yml --output judged',
  )
}
const edited = (edit: (baseline: Baseline) => unknown) => (baseline: string) =>
  JSON.stringify(edit(JSON.parse(baseline) as Baseline))

test.each([
  [
    'of a newer version',
    edited((baseline) => ({ ...baseline, schemaVersion: 99 })),
    'newer triton-perf-gate',
  ],
  [
    'of an older version',
    edited((baseline) => ({ ...baseline, schemaVersion: 0 })),
    'older triton-perf-gate',
  ],
  ['truncated', (baseline: string) => baseline.slice(0, -100), 'it is truncated'],
  ['empty', () => '', 'the file is empty'],
  ['no JSON', () => 'p99: 3 ms', 'it is not JSON'],
  ['with NaN', (baseline: string) => baseline.replace(/"value": *[\d.]+/, '"value": NaN'), 'it is not JSON'],
  ['with null', (baseline: string) => baseline.replace(/"requests": *\d+/, '"requests": null'), 'requests'],
  ['with a key too many', edited((baseline) => ({ ...baseline, extra: 1 })), 'extra'],
  [
    'of another kind',
    () => text('alone/measurements.json'),
    'it is not a baseline, it is a measurements file',
  ],
])('a baseline %s is never a pass', async (_, tamper, why) => {
  const { exitCode, stdout, stderr } = await compareWith(tamper)
  expect(stderr).toContain('the baseline other.json cannot be used')
  expect(stderr).toContain(why)
  expect(stderr).toContain('hint: ')
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
})

test('a baseline of another machine is named as such and not compared with', async () => {
  const { stdout, exitCode } = await compareWith(
    edited((baseline) => ({
      ...baseline,
      environment: { ...baseline.environment, host: { ...baseline.environment.host, runnerClass: 'other' } },
    })),
  )
  expect(stdout).toContain('runner class: other')
  const result = resultOf('judged')
  expect(result.baseline.status).toBe('incompatible')
  expect(result.verdict.outcome).toBe('invalid')
  expect(exitCode).toBe(3)
  expect(result.models.flatMap(({ comparisons }) => comparisons.filter(({ primary }) => primary))).toEqual([])
})

test('a run with a baseline that cannot be used ends before anything is measured', async () => {
  writeFileSync(join(root, 'other.json'), text('alone/baseline.json').slice(0, -100))
  const onModels = 'run --model-repository repository/models --config gate.yml --output kept'
  const truncated = await tpg(`${onModels} --baseline other.json`)
  expect(truncated.stderr).toContain('the baseline other.json cannot be used: it is truncated')
  expect(truncated.exitCode).toBe(3)
  const absent = await tpg(`${onModels} --baseline absent.json`)
  expect(absent.stderr).toContain('--baseline: there is no file absent.json')
  expect(absent.exitCode).toBe(2)
  expect(truncated.stderr + absent.stderr).not.toContain('repetition')
})

const node20 = findNode20()
if (node20 === null) console.warn('skipped: no Node 20 on PATH, so the bundles are only tested on Node 24')

let server: TritonServer
let client: TritonClient

beforeAll(async () => {
  const world = testWorld()
  server = await startServer(world, await embeddedLauncher(world), { repository: join(repository, 'models') })
  client = connectTriton(server.grpc)
  await loadModel(world, server, client, 'paced', { timeoutNs: 60 * nsPerSecond })
})
afterAll(async () => {
  client.close()
  await server.stop()
})

const measure = (args: string, node?: string): Promise<CliResult> =>
  tpg(`measure --triton-url grpc://127.0.0.1:${server.grpc.port} ${args}`, node)

test('measure: an unknown model is told, nothing is written', async () => {
  const { exitCode, stderr, stdout } = await measure('--model pased --output unknown/measured.json')
  expect(stderr).toContain("model 'pased' is not ready on the remote server")
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
  expect(filesIn('unknown')).toEqual([])
})

test('measure: an output file in a folder that is none', async () => {
  const { exitCode, stderr } = await measure('--model paced --output gate.yml/measured.json')
  expect(stderr).toContain(`${join(root, 'gate.yml/measured.json')} cannot be written`)
  expect(stderr).toContain('--output')
  expect(exitCode).toBe(3)
})

const nodes = [
  ['Node 24', process.execPath],
  ['Node 20', node20],
] as const

for (const [name, node] of nodes) {
  test.skipIf(node === null)(`${name}: help, version and check-config`, async () => {
    const help = await tpg('--help', node ?? '')
    expect(help).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('Exit codes:') })
    const version = await tpg('--version', node ?? '')
    expect(version).toMatchObject({ exitCode: 0, stdout: `${resultOf('alone').tool.version}\n` })
    const check = await tpg('check-config --config gate.yml --model-repository repository/models', node ?? '')
    expect(check).toMatchObject({ exitCode: 0, stderr: '' })
    expect(check.stdout).toBe('gate.yml: valid\nrepository/models: paced\n')
  })

  test.skipIf(node === null)(`${name}: measures a running server and changes nothing on it`, async () => {
    const before = await client.repositoryIndex()
    const args = '--model paced --concurrency 1,2 --request-rate 50 --duration 1s'
    const result = await measure(`${args} --output measured/${name[5]}.json --json`, node ?? '')
    expect(result.exitCode, result.stderr).toBe(0)
    expect(await client.repositoryIndex()).toEqual(before)
    expect(await client.modelReady('paced')).toBe(true)

    const measured: Measurements = measurementsSchema.parse(JSON.parse(result.stdout))
    expect(text(`measured/${name[5]}.json`)).toBe(result.stdout)
    expect(measured).toMatchObject({ complete: true, models: [{ name: 'paced' }] })
    const scenarios = measured.models[0]?.scenarios ?? []
    expect(scenarios.map(({ load }) => load)).toEqual([
      { mode: 'concurrency', concurrency: 1 },
      { mode: 'concurrency', concurrency: 2 },
      { mode: 'requestRate', requestRate: 50, distribution: 'constant' },
    ])
    for (const { configuration, metrics, repetitions } of scenarios) {
      expect(configuration).toMatchObject({ committed: true, maxBatchSize: 8, instanceCount: 1 })
      const { latencyP50Ns, inferPerSec } = metrics
      expect(latencyP50Ns).toMatchObject({ unit: 'ns' })
      const [low, high] = latencyP50Ns?.interval ?? []
      expect(low).toBeLessThanOrEqual(latencyP50Ns?.value ?? Number.NaN)
      expect(high).toBeGreaterThanOrEqual(latencyP50Ns?.value ?? Number.NaN)
      // n is the number of requests that were sent in the measured time, of which the last may end after it.
      const seconds = (repetitions[0]?.durationNs ?? Number.NaN) / nsPerSecond
      expect(seconds).toBeGreaterThan(0.9)
      expect((inferPerSec?.value ?? Number.NaN) * seconds).toBeGreaterThan(0.8 * (latencyP50Ns?.n ?? 0))
      expect((inferPerSec?.value ?? Number.NaN) * seconds).toBeLessThan(1.2 * (latencyP50Ns?.n ?? 0) + 2)
    }
    expect(filesIn('measured').every((file) => file.endsWith('.json'))).toBe(true)
  })
}
