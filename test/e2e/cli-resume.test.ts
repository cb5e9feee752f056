// A sweep is killed on a real server, of one model or of composing ones; --resume goes on with it and measures nothing twice.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import { processesNaming, runCli, startCli } from '../support/cli.ts'
import { addOneAfter, writePythonModel } from '../support/embedded-triton.ts'
import { writePipeline } from '../support/pipeline-models.ts'
import { until } from '../support/until.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-cli-resume-'))
afterAll(() => rmSync(root, { recursive: true }))

const settings = `
profile_models:
  paced:
    parameters: {concurrency: 1}
    model_config_parameters: {instance_group: [{count: [1, 2]}]}
run_config_search_max_concurrency: 4
gate:
  triton: embedded
  warmup_seconds: 0.1
  measurement_seconds: 0.5
  # Nothing is measured again.
  search_max_measurements: 6
`

const file = join(root, 'out/measurements.json')
const measured = (path = file): Measurements =>
  measurementsSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
const args = (...more: string[]) => [
  ...'search --model-repository models --config gate.yml --time-budget 60s --output out'.split(' '),
  ...more,
]
/** Where each measurement of the sweep was made, in their order. */
const steps = (stderr: string): string[] => stderr.match(/sweep \d+: .*? at concurrency \d+/g) ?? []

test('SIGKILL in the middle of a sweep, then --resume', async () => {
  mkdirSync(join(root, 'tmp'), { recursive: true })
  writePythonModel(join(root, 'models'), 'paced', { python: addOneAfter(2) })
  writeFileSync(join(root, 'gate.yml'), settings)
  const options = { cwd: root, env: { TMPDIR: join(root, 'tmp'), RUNNER_TEMP: undefined } }

  const first = startCli(args(), options)
  await first.said('sweep 3: ')
  first.kill('SIGKILL')
  const killed = await first.done
  expect(killed.signal).toBe('SIGKILL')
  await until(() => processesNaming(root).length === 0)
  const [left] = measured().models
  expect(left?.sweep?.points.length).toBeGreaterThanOrEqual(2)
  expect(left?.search).toBeNull()

  const second = await runCli(args('--resume'), options)
  expect(second.exitCode, second.stderr).toBe(0)
  expect(second.stderr).toContain('paced: resumed after ')
  // The gated load is not measured again either.
  expect(second.stderr).not.toContain('repetition 1 of')
  const { complete, models } = measured()
  expect(complete).toBe(true)
  const kept = left?.sweep?.points.length ?? 0
  expect(models[0]?.sweep?.points.slice(0, kept)).toEqual(left?.sweep?.points)
  expect(models[0]?.scenarios.slice(0, kept + 1)).toEqual(left?.scenarios)
  // Every place once: two configurations at three loads.
  const all = [...steps(killed.stderr).slice(0, kept), ...steps(second.stderr)]
  expect(all).toHaveLength(6)
  expect(new Set(all.map((step) => step.replace(/^sweep \d+/, ''))).size).toBe(6)
  expect(models[0]?.search?.measurements).toBe(6)

  // Done: there is nothing left to measure, and the answer is the same.
  const third = await runCli(args('--resume'), options)
  expect(third.exitCode, third.stderr).toBe(0)
  expect(steps(third.stderr)).toEqual([])
  expect(measured().models[0]?.search?.answer).toEqual(models[0]?.search?.answer)

  // What another machine measured is refused, and kept.
  const foreign = readFileSync(file, 'utf8').replaceAll(
    /"runnerClass": "[^"]*"/g,
    '"runnerClass": "elsewhere"',
  )
  writeFileSync(file, foreign)
  const refused = await runCli(args('--resume'), options)
  expect(refused.exitCode, refused.stderr).toBe(3)
  expect(refused.stderr).toContain('runner class: elsewhere ≠ ')
  expect(refused.stderr).toContain('leave out --resume to start afresh')
  expect(readFileSync(file, 'utf8')).toBe(foreign)
})

const composing = `
run_config_search_disable: true
profile_models: {pipeline: {parameters: {concurrency: 4}}}
ensemble_composing_models:
  slow: {model_config_parameters: {instance_group: [[{count: 2}], [{count: 1, kind: KIND_CPU}, {count: 2, kind: KIND_CPU}]]}}
gate: {triton: embedded, warmup_seconds: 0.1, measurement_seconds: 0.3, search_max_measurements: 3}
`

test('a sweep of composing models goes on after SIGKILL as one in one go', async () => {
  mkdirSync(join(root, 'tmp'), { recursive: true })
  writePipeline(join(root, 'ensemble'), 'pipeline', { first: { sleepMs: 1 }, slow: { sleepMs: 24 } })
  writeFileSync(join(root, 'composing.yml'), composing)
  const options = { cwd: root, env: { TMPDIR: join(root, 'tmp'), RUNNER_TEMP: undefined } }
  const search = (output: string, ...more: string[]) => [
    ...`search --model-repository ensemble --config composing.yml --time-budget 120s --output ${output}`.split(
      ' ',
    ),
    ...more,
  ]
  const stopped = startCli(search('stopped'), options)
  await stopped.said('sweep 1: ')
  stopped.kill('SIGKILL')
  const killed = await stopped.done
  await until(() => processesNaming(root).length === 0)
  const left = measured(join(root, 'stopped/measurements.json')).models[0]?.sweep?.points ?? []
  expect(left.length).toBeGreaterThanOrEqual(1)

  const resumed = await runCli(search('stopped', '--resume'), options)
  expect(resumed.exitCode, resumed.stderr).toBe(0)
  const whole = await runCli(search('whole'), options)
  expect(whole.exitCode, whole.stderr).toBe(0)
  // Three configurations of the step, in the same order, and none twice.
  expect(steps(whole.stderr)).toHaveLength(3)
  expect([...steps(killed.stderr).slice(0, left.length), ...steps(resumed.stderr)]).toEqual(
    steps(whole.stderr),
  )

  const [one, other] = ['stopped', 'whole'].map(
    (name) => measured(join(root, name, 'measurements.json')).models[0],
  )
  expect(one?.sweep?.points.slice(0, left.length)).toEqual(left)
  const places = (model: typeof one) => model?.sweep?.points.map(({ configuration }) => configuration)
  expect(places(one)).toEqual(places(other))
  for (const model of [one, other]) {
    expect(model?.sweep?.points.every(({ metrics }) => metrics !== null)).toBe(true)
    // It sleeps: three instances answer three times as much as one, whatever the machine.
    expect(model?.search?.answer?.configuration.others?.slow?.instanceCount).toBe(3)
  }
})
