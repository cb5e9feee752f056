// `run` is stopped at random moments: no server survives it, what was measured stays, nothing else is left behind.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import { createRandom } from '../../src/stats/random.ts'
import { processesNaming, type RunningCli, runCli, startCli, untilNoneNames } from '../support/cli.ts'
import { addOneAfter, writePythonModel } from '../support/embedded-triton.ts'
import { until } from '../support/until.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-cli-kill-'))
afterAll(() => rmSync(root, { recursive: true }))

/** Another seed (TPG_SEED) tries other moments. */
const random = createRandom(Number(process.env.TPG_SEED ?? 1))

const settings = `
profile_models:
  paced:
    parameters:
      concurrency: 1
gate:
  triton: embedded
  repetitions: 2
  warmup_seconds: 0.1
  measurement_seconds: 0.5
`

/** A git repository with models, and a folder for all that is temporary, of its own. */
function makeStage(name: string) {
  const folder = join(root, name.replaceAll(/\W+/g, '-'))
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary, { recursive: true })
  writePythonModel(join(folder, 'models'), 'paced', { python: addOneAfter(2) })
  writeFileSync(join(folder, 'gate.yml'), settings)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  git('init', '--quiet')
  git('add', 'models')
  git('commit', '--quiet', '--message', 'all')
  const args =
    'run --model-repository models --config gate.yml --reference HEAD --time-budget 40s --output out'
  const env = { TMPDIR: temporary, RUNNER_TEMP: undefined }
  return {
    folder,
    start: (): RunningCli => startCli(args.split(' '), { cwd: folder, env }),
    compare: () => runCli('compare --measurements out/measurements.json'.split(' '), { cwd: folder, env }),
    hasMeasured: () => existsSync(join(folder, 'out/measurements.json')),
    measured: (): Measurements =>
      measurementsSchema.parse(JSON.parse(readFileSync(join(folder, 'out/measurements.json'), 'utf8'))),
    written: () => readdirSync(join(folder, 'out')).sort(),
    /** What a run must have removed: worktrees of the reference, and temporary folders. */
    leftovers: () => [...git('worktree', 'list').trim().split('\n').slice(1), ...readdirSync(temporary)],
  }
}
type Stage = ReturnType<typeof makeStage>

/** What a run is doing when it is stopped, and how one waits for that. */
const moments = {
  'starting the server': (run) => run.said('starting embedded Triton'),
  'loading the model': (run) => run.said('repetition 1 of 2'),
  measuring: async (run, stage) => {
    await run.said('repetition 1 of 2')
    await until(stage.hasMeasured, 60_000)
  },
  'between two servers': (run) => run.said('repetition 2 of 2'),
  sweeping: (run) => run.said('sweep 1: '),
} as const satisfies Readonly<Record<string, (run: RunningCli, stage: Stage) => Promise<void>>>
type Moment = keyof typeof moments

/** What comes next is met somewhere in its course. */
const furtherMs = 1200

async function stopAt(stage: Stage, moment: Moment, signal: NodeJS.Signals) {
  const run = stage.start()
  await moments[moment](run, stage)
  await sleep(random.uniform() * furtherMs)
  run.kill(signal)
  const result = await run.done
  return result
}

function expectNothingLost(stage: Stage, moment: Moment): void {
  if (moment === 'starting the server') expect(stage.hasMeasured()).toBe(false)
  if (!stage.hasMeasured()) return
  const { complete, models, reference } = stage.measured()
  expect(complete).toBe(false)
  const scenarios = models.flatMap((model) => model.scenarios)
  const count = (role: string) =>
    scenarios.filter((each) => each.role === role && each.status === 'measured').length
  expect(count('gate')).toBeGreaterThan(0)
  expect(reference?.models).toHaveLength(1)
  if (moment === 'sweeping') expect(count('sweep')).toBeGreaterThan(0)
}

test.each<[NodeJS.Signals, Moment]>([
  ['SIGINT', 'starting the server'],
  ['SIGTERM', 'loading the model'],
  ['SIGINT', 'measuring'],
  ['SIGTERM', 'between two servers'],
  ['SIGINT', 'sweeping'],
])('%s while %s', async (signal, moment) => {
  const stage = makeStage(`${signal} ${moment}`)
  const { exitCode, stdout, stderr } = await stopAt(stage, moment, signal)
  expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 130, stdout: '' })
  expect(stderr).toContain(`${signal}: stopping the servers`)
  expect(stderr).toMatch(/^error: interrupted/m)
  // The program waits for its servers.
  await untilNoneNames(stage.folder)
  expect(stage.leftovers()).toEqual([])
  if (['measuring', 'between two servers', 'sweeping'].includes(moment))
    expect(stage.hasMeasured()).toBe(true)
  expectNothingLost(stage, moment)
  expect(stage.written().filter((name) => !['measurements.json', 'server.log'].includes(name))).toEqual([])
})

test.each<[Moment]>([['loading the model'], ['sweeping']])('SIGKILL while %s', async (moment) => {
  const stage = makeStage(`SIGKILL ${moment}`)
  const killed = await stopAt(stage, moment, 'SIGKILL')
  expect(killed.signal).toBe('SIGKILL')
  // Nobody is there to stop them but their watchdogs.
  await until(() => processesNaming(stage.folder).length === 0)
  expectNothingLost(stage, moment)
  if (moment === 'sweeping') {
    const judged = await stage.compare()
    expect(judged.exitCode, judged.stdout).toBe(3)
    expect(judged.stdout).toContain('Performance gate: invalid')
  }
  // The worktree of the reference is left, until the next run finds that its owner is dead.
  expect(stage.leftovers().length).toBeGreaterThan(0)
  await stopAt(stage, 'starting the server', 'SIGTERM')
  expect(stage.leftovers()).toEqual([])
  await untilNoneNames(stage.folder)
})
