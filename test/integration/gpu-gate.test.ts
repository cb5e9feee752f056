// The gate on a real Triton whose models take memory of GPUs that live in a text file (test/support/nvml).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { defaultRequests } from '../../src/config/defaults.ts'
import { readConfig } from '../../src/config/load-config.ts'
import { type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import { type Result, resultSchema } from '../../src/domain/result.ts'
import { gatedScenarios } from '../../src/domain/scenario.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import type { GateRequest } from '../../src/gate-request.ts'
import { measureRunning, type RunningInput } from '../../src/profile/measure-running.ts'
import { renderMarkdown } from '../../src/report/markdown.ts'
import { connectTriton } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer } from '../../src/triton/server.ts'
import { embeddedLauncher, embeddedSettings, writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { bare, given, l4, mebibyte, removeAfterwards, standIn, uuidA } from '../support/nvml/given.ts'

/**
 * A model that takes GPU memory when it loads, in the state file of the stand-in: each process writes a line of its
 * own into a file beside it, and whoever writes last joins them. `shown` puts it into the list of processes.
 */
function gpuModel(stateFile: string, memory: number, shown: boolean): string {
  return `
import fcntl, glob, os
import triton_python_backend_utils as pb_utils

STATE = ${JSON.stringify(stateFile)}
UUID = ${JSON.stringify(uuidA)}


def publish():
    with open(STATE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        used, lines = 512, []
        for path in glob.glob(STATE + ".pid.*"):
            pid = int(path.rsplit(".", 1)[1])
            if not os.path.exists(f"/proc/{pid}"):
                os.remove(path)
                continue
            memory, shown = map(int, open(path).read().split())
            used += memory
            if shown:
                lines.append(f"process gpu=0 pid={pid} memory={memory}\\n")
        gpu = f"gpu uuid={UUID} name=NVIDIA_L4 total=23034 used={used} utilization=50 power=40000 throttle=0\\n"
        with open(STATE + ".next", "w") as file:
            file.write(gpu + "".join(lines))
        os.rename(STATE + ".next", STATE)


class TritonPythonModel:
    def initialize(self, args):
        self.mine = f"{STATE}.pid.{os.getpid()}"
        with open(self.mine, "w") as file:
            file.write("${memory} ${shown ? 1 : 0}")
        publish()

    def execute(self, requests):
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("Y", pb_utils.get_input_tensor_by_name(request, "X").as_numpy())]
            )
            for request in requests
        ]

    def finalize(self):
        os.remove(self.mine)
        publish()
`
}

interface Sides {
  readonly reference?: number
  readonly candidate: number
  readonly shown: boolean
  readonly constraints?: string
  /** Further keys of the section `gate`. */
  readonly more?: string
  /** MiB that a server takes when it starts, as CUDA contexts do. */
  readonly context?: number
  /** Keys of a sweep that is made after the gated loads. */
  readonly sweep?: string
  readonly progress?: (line: string) => void
  /** Resumes the run as it was after so many measurements of its sweep. */
  readonly stoppedAfter?: number
  /** A state file of which Triton makes its own GPU metrics; without it there are none. */
  readonly metricsFrom?: string
}

/** A world whose Triton servers take GPU memory as soon as they start, in the way of gpuModel. */
function withContexts(world: World, memory: number): World {
  const stateFile = standIn?.stateFile ?? ''
  const publish = () => {
    const folder = dirname(stateFile)
    const processes = readdirSync(folder).flatMap((name) => {
      const [, pid] = /^state\.pid\.(\d+)$/.exec(name) ?? []
      const [held] = pid === undefined ? [] : readFileSync(join(folder, name), 'utf8').split(' ')
      return pid === undefined ? [] : [{ gpu: 0, pid: Number(pid), memory: Number(held) }]
    })
    const used = 512 + processes.reduce((sum, process) => sum + process.memory, 0)
    given({ gpus: [{ ...l4, throttle: 0, used }], processes })
  }
  return {
    ...world,
    launch: (command, args, options) => {
      const launched = world.launch(command, args, options)
      if (!command.endsWith('tritonserver')) return launched
      const file = `${stateFile}.pid.${launched.pid}`
      writeFileSync(file, `${memory} 1`)
      publish()
      void launched.exited.then(() => {
        rmSync(file, { force: true })
        publish()
      })
      return launched
    },
  }
}

/** The gate on the embedded Triton with a model that takes so many MiB on each side. */
async function gate(sides: Sides): Promise<Result> {
  const { reference, candidate, shown, constraints = '', more = '', context = 0, metricsFrom, sweep } = sides
  const standing = given({ gpus: [{ ...l4, throttle: 0 }] })
  const seen = { ...standing, progress: sides.progress ?? standing.progress }
  const world = context === 0 ? seen : withContexts(seen, context)
  const environment = { ...standIn?.serverEnvironment(1), NVML_STATE: metricsFrom }
  const root = mkdtempSync(join(tmpdir(), 'tpg-gpu-'))
  removeAfterwards(() => rmSync(root, { recursive: true, force: true }))
  const repository = (name: string, memory: number) => {
    writePythonModel(join(root, name), 'm', { python: gpuModel(standIn?.stateFile ?? '', memory, shown) })
    return join(root, name)
  }
  const yaml = `
concurrency: 1
${constraints}
${sweep ?? ''}
${metricsFrom === undefined ? '' : `triton_server_environment: ${JSON.stringify(environment)}`}
gate:
  repetitions: 2
  warmup_seconds: 0.5
  measurement_seconds: 1
  ${more}
`
  const request: GateRequest = {
    config: readConfig(yaml, 'triton-perf-gate.yml', {
      triton: 'embedded',
      ...(sweep === undefined ? { runConfigSearchMode: 'off' } : {}),
    }),
    modelRepository: repository('candidate', candidate),
    mode: 'gate',
    baseline: { status: 'notRequested' },
    reference:
      reference === undefined ? null : { kind: 'repository', path: repository('reference', reference) },
    outputDirectory: join(root, 'out'),
    resume: null,
    commit: null,
    runId: null,
  }
  await runGate(world, request)
  if (sides.stoppedAfter !== undefined) {
    const measured = measurementsSchema.parse(
      JSON.parse(readFileSync(join(root, 'out', 'measurements.json'), 'utf8')),
    )
    await runGate(world, { ...request, resume: stopped(measured, sides.stoppedAfter) })
  }
  return resultSchema.parse(JSON.parse(readFileSync(join(root, 'out', 'result.json'), 'utf8')))
}

/** As it was when its sweep had made so many measurements. */
function stopped(measured: Measurements, points: number): Measurements {
  const models = measured.models.map((model) => {
    const { sweep, scenarios } = model
    const swept = scenarios.filter(({ role }) => role === 'sweep').slice(0, points)
    return {
      ...model,
      ...(sweep === undefined
        ? {}
        : { sweep: { ...sweep, points: sweep.points.slice(0, points), spentNs: 0 } }),
      scenarios: [...gatedScenarios(model), ...swept],
      search: null,
    }
  })
  return { ...measured, complete: false, models }
}

/** The only model of the result, its GPU memory, and what was judged of it. */
function gpuMemoryOf(result: Result) {
  const [model] = result.models
  return {
    measured: model?.scenarios[0]?.metrics.gpuMemoryBytes,
    comparison: model?.comparisons.find(({ metric }) => metric === 'gpuMemoryBytes'),
    constraint: model?.constraints.find(({ metric }) => metric === 'gpuDeviceMemoryBytes'),
  }
}

test('the gate measures the process tree of each side, and a growth beyond 2 % + 16 MiB fails', async () => {
  standIn?.takeClockChanges()
  const more = 'lock_gpu_clocks: 1200'
  const result = await gate({ reference: 1000, candidate: 1100, shown: true, more, context: 300 })
  expect(standIn?.takeClockChanges()).toEqual(['gpu 0 1200 1200', 'gpu 0 reset'])
  const { measured, comparison } = gpuMemoryOf(result)
  const own = expect.stringContaining("the server's own processes")
  expect(result.environment).toMatchObject({
    gpus: [{ name: 'NVIDIA L4', lockedClockMegahertz: 1200 }],
    gpuUnavailable: null,
  })
  expect(measured).toMatchObject({ value: 1400 * mebibyte, unit: 'bytes', reason: own })
  // What the server took before the model is known, and gating means both together.
  expect(result.models[0]?.scenarios[0]?.metrics).toMatchObject({
    gpuIdleServerMemoryBytes: { value: 300 * mebibyte },
    gpuModelMemoryBytes: { value: 1100 * mebibyte },
    // This server has no GPU of its own to tell of: that is not zero.
    gpuDeviceMemoryTritonBytes: null,
  })
  const report = renderMarkdown(result)
  expect(report).toContain('GPU memory, server without model')
  expect(report).toContain('server 300 MiB, model 1.07 GiB')
  expect(comparison).toMatchObject({
    status: 'fail',
    reference: 1300 * mebibyte,
    candidate: 1400 * mebibyte,
    footnotes: [own],
  })
  expect(result.verdict).toMatchObject({ outcome: 'fail', exitCode: 1 })
})

test('where processes are not shown, what each server gained is compared, and the report says so', async () => {
  const metricsFrom = standIn?.stateFile ?? ''
  const result = await gate({ reference: 1000, candidate: 1030, shown: false, metricsFrom })
  const { measured, comparison } = gpuMemoryOf(result)
  const gained = expect.stringContaining('as the GPUs gained it')
  expect(measured).toMatchObject({ value: 1030 * mebibyte, reason: gained })
  expect(comparison).toMatchObject({ status: 'pass', reference: 1000 * mebibyte, footnotes: [gained] })
  expect(renderMarkdown(result)).toContain('as the GPUs gained it')
  // Both servers' models and what was there before: Triton sees the whole device, and agrees with nvidia-smi.
  expect(result.models[0]?.scenarios[0]?.metrics.gpuDeviceMemoryTritonBytes).toMatchObject({
    value: (512 + 1000 + 1030) * mebibyte,
  })
  expect(renderMarkdown(result)).not.toContain('in doubt')
})

test('gpu_used_memory is judged; a server that is alone is what the devices hold beyond idle', async () => {
  // Triton sees another GPU memory than nvidia-smi does, beyond what can be explained.
  const metricsFrom = `${standIn?.stateFile}.other`
  const other = 'gpu uuid=$UUID name=NVIDIA_L4 total=23034 used=5000 utilization=1 power=1'
  writeFileSync(metricsFrom, `${other.replace('$UUID', uuidA)}\n`)
  const result = await gate({
    candidate: 1000,
    shown: false,
    metricsFrom,
    constraints: 'constraints: { gpu_used_memory: { max: 1585 } }',
  })
  const { measured, constraint } = gpuMemoryOf(result)
  expect(measured).toMatchObject({
    value: 1000 * mebibyte,
    reason: expect.stringContaining('beyond idle'),
  })
  // With the 512 MiB that others hold, 1512 MiB are 1585.4 MB.
  expect(constraint).toMatchObject({
    name: 'gpu_used_memory',
    value: 1512 * mebibyte,
    limit: 1585e6,
    status: 'fail',
  })
  expect(result.verdict).toMatchObject({ outcome: 'fail', exitCode: 1 })
  expect(renderMarkdown(result)).toContain('1585 MB')
  expect(renderMarkdown(result)).toContain(
    `GPU memory is in doubt in 2 of 2 repetitions: ${uuidA} holds 1512 MiB by nvidia-smi and 5000 MiB by Triton's own metrics`,
  )
})

test('a sweep keeps servers beside each other on a GPU, each with the memory of its own processes', async () => {
  const said: string[] = []
  const result = await gate({
    candidate: 1000,
    shown: true,
    context: 300,
    stoppedAfter: 1,
    sweep:
      'run_config_search_mode: brute\nrun_config_search_max_instance_count: 2\nrun_config_search_max_model_batch_size: 1\nrun_config_search_max_concurrency: 2',
    // Two instances beside the 512 MiB that others hold are 2964 MB, and with the other server's 4327 MB.
    constraints: 'constraints: { gpu_used_memory: { max: 3000 } }',
    more: 'time_budget: 120s',
    progress: (line) => said.push(line),
  })
  // In one go, and where it is gone on with.
  const [whole, resumed] = said.join('\n').split('resumed after 1 measurement')
  expect(whole).toContain('starting server 2')
  expect(resumed).toContain('starting server 2')
  const [model] = result.models
  const swept = (model?.scenarios ?? []).filter(({ role }) => role === 'sweep')
  const instances = new Set(swept.map(({ configuration }) => configuration.instanceCount))
  expect(instances).toEqual(new Set([1, 2]))
  for (const { configuration, metrics, repetitions } of swept) {
    const own = (300 + 1000 * (configuration.instanceCount ?? 0)) * mebibyte
    expect(metrics.gpuMemoryBytes).toMatchObject({ value: own })
    expect(metrics.gpuDeviceMemoryBytes).toMatchObject({ value: 512 * mebibyte + own })
    expect(metrics.gpuUtilizationRatio?.value).toBeGreaterThan(0)
    // No server of ours is another tenant.
    expect(repetitions).toEqual([expect.objectContaining({ status: 'valid', voidReasons: [] })])
  }
  expect(model?.best).toMatchObject({ meetsConstraints: true })
})

test("of a remote server only Triton's own metrics tell of GPU memory: the whole device, and named so", async () => {
  const [first, second] = [
    { ...l4, used: 700 },
    { ...bare, used: 24 },
  ]
  const world = given({ gpus: [first, second] })
  const root = mkdtempSync(join(tmpdir(), 'tpg-remote-'))
  removeAfterwards(() => rmSync(root, { recursive: true, force: true }))
  writePythonModel(root, 'm')
  const launcher = await embeddedLauncher(world, { serverEnvironment: standIn?.serverEnvironment(2) ?? {} })
  const server = await startServer(world, launcher, { repository: root })
  try {
    const client = connectTriton(server.grpc)
    await loadModel(world, server, client, 'm', { timeoutNs: 60e9 })
    client.close()
    const url = `grpc://127.0.0.1:${server.grpc.port}`
    const of = async (metricsUrl: string | null, until: RunningInput['until']) => {
      const { models } = await measureRunning(world, {
        triton: { ...embeddedSettings, mode: 'remote', url, metricsUrl },
        model: 'm',
        loads: [{ mode: 'concurrency', concurrency: 1, batchSize: 1 }],
        until,
        engine: readConfig('', 'triton-perf-gate.yml', {}),
        ask: { input: madeInputs(), requests: defaultRequests },
        counts: { requestCount: null, warmupRequestCount: null },
        seed: 1,
        maxFailureRatio: 0,
        runnerClass: null,
        save: () => undefined,
      })
      return models[0]?.scenarios[0]?.metrics
    }
    expect(await of(server.metricsUrl, { kind: 'trustworthy', intervalWidth: 1, maxNs: 1e9 })).toMatchObject({
      gpuMemoryBytes: null,
      gpuDeviceMemoryBytes: {
        value: 724 * mebibyte,
        reason: expect.stringContaining("the whole of the server's GPUs"),
      },
    })
    expect(await of('http://127.0.0.1:9/metrics', { kind: 'duration', durationNs: 3e8 })).toMatchObject({
      gpuDeviceMemoryBytes: { value: null, reason: expect.stringContaining('do not answer') },
    })
  } finally {
    await server.stop()
  }
})
