import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asCheckedOut } from '../../../src/action/checked-out.ts'
import { planFor, readContext } from '../../../src/action/context.ts'
import { referenceFor } from '../../../src/cli/run-reference.ts'
import { readConfig } from '../../../src/config/load-config.ts'
import { runGate } from '../../../src/gate.ts'
import type { GateRequest } from '../../../src/gate-request.ts'
import type { LoadGenerator } from '../../../src/load/generator.ts'
import { openEngine } from '../../../src/profile/engine.ts'
import { readAllInputs } from '../../../src/profile/inputs.ts'
import { resumed } from '../../../src/profile/resume.ts'
import { readModelRepository, selectModels } from '../../../src/repository/repository.ts'
import { resolveTriton } from '../../../src/triton/launcher.ts'
import { sha } from '../github/run-store.ts'
import { environment, makeMeasurements, makeModel, makeRepositoryOf } from '../make-measurements.ts'
import { type Commands, fakeWorld } from '../triton-world.ts'
import type { Fault } from './fault.ts'

// What ends a run before there is anything to compare, each by the function that finds it.

const config = (text: string, overrides = {}) => readConfig(text, 'triton-perf-gate.yml', overrides)
const nothing: Commands = () => undefined
const world = (commands: Commands = nothing) => fakeWorld({ PATH: '' }, commands)

const goOn = (change: Partial<typeof environment>) => () =>
  resumed(makeMeasurements([makeModel('m', [])]), {
    config: config(''),
    environment: { ...environment, ...change },
    candidate: makeRepositoryOf('a'),
    reference: null,
    isCleared: () => false,
    progress: () => undefined,
  })

/** git with another commit at HEAD than the event is about. */
const elsewhere: Commands = (_, args) => {
  const asked = args.at(-1) ?? ''
  if (asked === 'HEAD^{commit}') return { stdout: sha('b') }
  return asked === `${sha('a')}^{commit}` ? { stdout: sha('a') } : { exitCode: 1 }
}
function checkout(eventName: string, mode: 'auto' | 'baseline'): () => Promise<unknown> {
  const env = {
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_SHA: sha('a'),
    GITHUB_REF: 'refs/heads/main',
    GITHUB_RUN_ID: '1',
  }
  const context = readContext(env, { repository: { id: 1, default_branch: 'main' } })
  return () => asCheckedOut(world(elsewhere), { context, plan: planFor(context, mode) }, ['.'])
}

/** A model repository of one model, with input data for it. */
async function inputs(folder: string, data: unknown): Promise<unknown> {
  const models = join(folder, 'models')
  mkdirSync(join(models, 'm', '1'), { recursive: true })
  writeFileSync(join(models, 'm', '1', 'model.py'), '')
  const tensor = (name: string) => `{ name: "${name}" data_type: TYPE_INT32 dims: [ 2 ] }`
  writeFileSync(
    join(models, 'm', 'config.pbtxt'),
    `name: "m"\nbackend: "python"\ninput [ ${tensor('A')} ]\noutput [ ${tensor('SUM')} ]\n`,
  )
  const file = join(folder, 'data.json')
  writeFileSync(file, JSON.stringify(data))
  const repository = await readModelRepository(models)
  return readAllInputs(config('', { inputData: [file] }), repository, selectModels(repository, null))
}

const release = (text: string, baseline?: string) => () =>
  referenceFor(world(), '.', '.', config(text, { release: true }), baseline === undefined ? {} : { baseline })

const remote = 'triton_launch_mode: remote\ntriton_grpc_endpoint: localhost:8001\n'

export const beforeMeasuring: readonly Fault[] = [
  {
    name: 'the checkout is not the commit that main’s baseline is to be of',
    met: 'error 2',
    act: checkout('workflow_dispatch', 'baseline'),
  },
  {
    name: 'the checkout is not the commit that the check stands on',
    met: 'error 2',
    act: checkout('push', 'auto'),
  },
  {
    name: 'the history that creep is to be judged by cannot be read',
    met: 'error 3',
    act: () =>
      runGate(world(), {
        config: config('gate: {on_creep: fail}\n', { release: true }),
        recent: { status: 'unreadable', source: 'artifact base', why: 'HTTP 500', next: 'Run it again.' },
      } as unknown as GateRequest),
  },
  {
    name: 'an acceptance whose end is out of sight',
    met: 'error 2',
    act: () => {
      const endless = 'model: m, metric: perf_latency_p99, up_to: 15%, reason: r, until: 9999-12-31'
      const request = { config: config(`gate: {accepted: [{${endless}}]}\n`) } as unknown as GateRequest
      return runGate({ ...world(), date: () => '2026-01-02T03:04:05Z' }, request)
    },
  },
  { name: 'a release that nothing is given for, and no tag of a version', met: 'error 2', act: release('') },
  {
    name: 'a release on a remote server, without a baseline',
    met: 'error 2',
    act: release(remote),
  },
  {
    name: 'validation data that do not fit the input data',
    met: 'error 2',
    act: (folder) =>
      inputs(folder, { data: [{ A: [1, 2] }], validation_data: [{ SUM: [1, 2] }, { SUM: [3, 4] }] }),
  },
  {
    name: 'validation data of an output that the model has not',
    met: 'error 2',
    act: (folder) => inputs(folder, { data: [{ A: [1, 2] }], validation_data: [{ SUMM: [1, 2] }] }),
  },
  {
    name: 'input data of the wrong size',
    met: 'error 2',
    act: (folder) => inputs(folder, { data: [{ A: [1, 2, 3] }] }),
  },
  {
    name: 'going on with what another machine measured',
    met: 'error 3',
    act: goOn({ host: { ...environment.host, runnerClass: 'other' } }),
  },
  {
    name: 'going on with what another load generator measured',
    met: 'error 3',
    act: goOn({ generatorVersion: 7 }),
  },
  {
    name: 'going on with what another version of triton-perf-gate measured',
    met: 'error 3',
    act: goOn({ tool: { ...environment.tool, version: '0.0.1' } }),
  },
  {
    name: 'no Triton that could be started',
    met: 'error 3',
    act: () => resolveTriton(world(), config('').triton),
  },
  {
    name: 'no container engine',
    met: 'error 3',
    act: () => resolveTriton(world(), config('triton_launch_mode: docker\n').triton),
  },
  {
    name: 'a container engine that refuses',
    met: 'error 3',
    act: () =>
      resolveTriton(
        world(() => ({ exitCode: 1, stderr: 'permission denied while trying to connect to the docker API' })),
        config('triton_launch_mode: docker\n').triton,
      ),
  },
  {
    name: 'perf_analyzer asked to compare answers, which it keeps to itself',
    met: 'error 2',
    act: () =>
      openEngine(
        world(),
        {} as LoadGenerator,
        config('gate: {engine: perf_analyzer, check_outputs: first}\n'),
      ),
  },
  {
    name: 'no perf_analyzer where it is to make the load',
    met: 'error 3',
    act: () => openEngine(world(), {} as LoadGenerator, config('gate: {engine: perf_analyzer}\n')),
  },
]
