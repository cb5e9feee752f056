// The real nvidia-smi, on GPUs that live in a text file (test/support/nvml).
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { defaultRequests } from '../../src/config/defaults.ts'
import { readConfig } from '../../src/config/load-config.ts'
import { type Result, resultSchema } from '../../src/domain/result.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import type { GateRequest } from '../../src/gate-request.ts'
import { freeLeftClocks, lockClocks } from '../../src/gpu/clocks.ts'
import { queryGpus, queryProcesses } from '../../src/gpu/nvidia-smi.ts'
import { type GpuSampler, startGpuSampler } from '../../src/gpu/sampler.ts'
import { measureRunning, type RunningInput } from '../../src/profile/measure-running.ts'
import { renderMarkdown } from '../../src/report/markdown.ts'
import { connectTriton } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer } from '../../src/triton/server.ts'
import { embeddedLauncher, embeddedSettings, writePythonModel } from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'
import { type GpuState, type NvmlState, openStandIn, worldWith } from '../support/nvml/stand-in.ts'
import { until } from '../support/until.ts'

const opened = openStandIn()
const standIn = 'unavailable' in opened ? null : opened
// Aloud, since the reporter does not print why it skips.
if ('unavailable' in opened) process.stderr.write(`SKIPPED, no ${opened.unavailable}\n`)
const removals: (() => void)[] = [() => standIn?.remove()]
afterAll(() => {
  for (const remove of removals) remove()
})

const mebibyte = 2 ** 20
// Of this run alone: runs of the gate lock a GPU by its UUID.
const [uuidA, uuidB] = [`GPU-a-${randomUUID()}`, `GPU-b-${randomUUID()}`]
const l4: GpuState = {
  uuid: uuidA,
  name: 'NVIDIA L4',
  total: 23034,
  used: 512,
  utilization: 37,
  power: 31500,
  clock: 2040,
  throttle: 0x44,
  mig: 0,
}
const bare: GpuState = { uuid: uuidB, name: 'NVIDIA L4', total: 23034, used: 0 }

beforeEach((ctx) => {
  if ('unavailable' in opened) ctx.skip(opened.unavailable)
})

/** Sets the GPUs and gives the world that sees them. */
function given(state: NvmlState) {
  if (standIn === null) throw new Error('skipped')
  standIn.set(state)
  return standIn.world
}

test('GPUs as nvidia-smi shows them; what the driver does not support is null', async () => {
  const reading = await queryGpus(given({ gpus: [l4, bare] }), null)
  expect(reading).toMatchObject({
    status: 'available',
    gpus: [
      {
        uuid: uuidA,
        name: 'NVIDIA L4',
        driverVersion: '535.261.03',
        memoryTotalBytes: 23034 * mebibyte,
        memoryUsedBytes: 512 * mebibyte,
        utilizationRatio: 0.37,
        powerWatts: 31.5,
        smClockMegahertz: 2040,
        throttleReasons: ['sw_power_cap', 'hw_thermal_slowdown'],
        mig: false,
      },
      {
        memoryUsedBytes: 0,
        utilizationRatio: null,
        powerWatts: null,
        smClockMegahertz: null,
        throttleReasons: null,
        mig: null,
      },
    ],
  })
})

test('MIG is seen, and its processes come without memory', async () => {
  const world = given({ gpus: [{ ...l4, mig: 1 }], processes: [{ gpu: 0, pid: 7 }] })
  expect(await queryGpus(world, null)).toMatchObject({ gpus: [{ mig: true }] })
  expect(await queryProcesses(world, null)).toEqual([{ gpuUuid: uuidA, pid: 7, memoryBytes: null }])
})

test('processes with their memory; none is an empty list', async () => {
  const processes = [
    { gpu: 0, pid: 42, memory: 300 },
    { gpu: 1, pid: 42, memory: 5 },
  ]
  expect(await queryProcesses(given({ gpus: [l4, bare], processes }), null)).toEqual([
    { gpuUuid: uuidA, pid: 42, memoryBytes: 300 * mebibyte },
    { gpuUuid: uuidB, pid: 42, memoryBytes: 5 * mebibyte },
  ])
  expect(await queryProcesses(given({ gpus: [l4] }), null)).toEqual([])
})

test.each([['1'], [uuidB]])('only the GPU %s is read where the server may use only that one', async (id) => {
  const world = given({ gpus: [l4, bare], processes: [{ gpu: 0, pid: 1, memory: 1 }] })
  expect(await queryGpus(world, [id])).toMatchObject({ gpus: [{ uuid: uuidB }] })
  expect(await queryProcesses(world, [id])).toEqual([])
})

test.each<[string, NvmlState, string]>([
  ['no driver', { init: 9 }, "(exit code 9): NVIDIA-SMI has failed because it couldn't communicate"],
  [
    'driver mismatch',
    { init: 18 },
    '(exit code 18): Failed to initialize NVML: Driver/library version mismatch',
  ],
  ['no permission', { init: 4 }, '(exit code 4): Failed to initialize NVML: Insufficient Permissions'],
  ['blocked', { init: 17 }, '(exit code 17): Failed to initialize NVML: '],
  ['unknown error', { init: 999 }, '(exit code 255): Failed to initialize NVML: Unknown Error'],
  ['no GPU', {}, '(exit code 6): No devices were found'],
  [
    'GPU lost',
    { gpus: [l4, { ...bare, lost: 1 }] },
    '(exit code 15): Unable to determine the device handle for GPU1: GPU is lost',
  ],
])('%s is said in the words of nvidia-smi', async (_, state, words) => {
  const reading = await queryGpus(given(state), null)
  expect(reading).toEqual({ status: 'unavailable', reason: expect.stringContaining(words) })
})

test('no library, and no nvidia-smi', async () => {
  given({ gpus: [l4] })
  const folder = dirname(standIn?.stateFile ?? '')
  // An empty library goes before the one of a real driver, should this machine have one.
  const libraries = join(folder, 'empty')
  mkdirSync(libraries)
  writeFileSync(join(libraries, 'libnvidia-ml.so.1'), '')
  expect(await queryGpus(worldWith({ PATH: folder, LD_LIBRARY_PATH: libraries }), null)).toEqual({
    status: 'unavailable',
    reason: expect.stringContaining("(exit code 12): NVIDIA-SMI couldn't find libnvidia-ml.so"),
  })
  expect(await queryGpus(worldWith({ PATH: '/nowhere' }), null)).toEqual({
    status: 'unavailable',
    reason: 'nvidia-smi not found',
  })
})

/** A sampler that reads every 20 ms; `shows` waits until it has read what the file says. */
async function sampling(idle: NvmlState, run: (sampler: GpuSampler) => Promise<void>): Promise<void> {
  const sampler = await startGpuSampler(given(idle), null, 20)
  if (sampler === null) throw new Error('the stand-in GPUs could not be read')
  try {
    await run(sampler)
  } finally {
    sampler.stop()
  }
}

test('the sampler follows the file: peak memory of a process tree, averages, then a new beginning', () =>
  sampling({ gpus: [l4, bare] }, async (sampler) => {
    const own = (memory: number): NvmlState => ({
      gpus: [{ ...l4, throttle: 0 }, bare],
      processes: [
        { gpu: 0, pid: 10, memory },
        { gpu: 1, pid: 11, memory: 40 },
      ],
    })
    const bytes = () => sampler.memoryOf([10, 11], false).bytes
    for (const memory of [200, 500]) {
      given(own(memory))
      await until(() => bytes() === (memory + 40) * mebibyte)
    }
    given(own(300))
    await until(() => {
      // Again, should a line from before the change have come after the reset.
      if (bytes() === 540 * mebibyte) sampler.reset()
      return bytes() === 340 * mebibyte
    })
    await until(() => sampler.utilizationRatio() !== null)
    expect(sampler.utilizationRatio()).toBeCloseTo(0.37)
    expect(sampler.powerWatts()).toBeCloseTo(31.5)
    expect(sampler.memoryOf([10, 11], false).source).toContain("the server's own processes")
    expect(sampler.disturbances([10, 11])).toEqual([])
  }))

test('processes that are not shown: devices beyond idle, only while alone; what is gained, said as such', () =>
  sampling({ gpus: [l4, bare] }, async (sampler) => {
    const watch = await sampler.watchServer()
    given({
      gpus: [
        { ...l4, used: 1512 },
        { ...bare, used: 24 },
      ],
      processes: [{ gpu: 0, pid: 10 }],
    })
    await until(() => sampler.memoryOf([10], true).bytes === 1024 * mebibyte)
    expect(sampler.memoryOf([10], false)).toEqual({
      bytes: null,
      source: expect.stringContaining('two servers'),
    })
    expect(await watch.growth()).toEqual({
      bytes: 1024 * mebibyte,
      source: expect.stringContaining('gained'),
    })
    expect(await sampler.showsMemoryOf([10])).toBe(false)
    // Nor is it known of its processes what the server took before the model, only of the devices.
    expect(await watch.idle([10])).toEqual({ ownBytes: null, gainedBytes: 1024 * mebibyte })
    expect(await watch.idle([11])).toEqual({ ownBytes: 0, gainedBytes: 1024 * mebibyte })
  }))

test('heat, a stranger and a GPU that falls off the bus disturb', () =>
  sampling({ gpus: [l4, bare], processes: [{ gpu: 0, pid: 3, memory: 1 }] }, async (sampler) => {
    const processes = [3, 10, 55].map((pid) => ({ gpu: 0, pid, memory: 100 }))
    given({ gpus: [l4, bare], processes })
    await until(() => sampler.disturbances([10]).length === 2)
    expect(sampler.disturbances([10])).toEqual([
      `gpu_throttled: ${uuidA}: hw_thermal_slowdown`,
      'gpu_shared: process 55 came to the GPU',
    ])
    given({ gpus: [l4, { ...bare, lost: 1 }] })
    await until(() => sampler.disturbances([]).includes('gpu_unreadable: nvidia-smi said [GPU is lost]'))
  }))

/** A nvidia-smi that is the real one until a file says otherwise; then its loops end, or hang. */
function fragile(): { readonly world: World; readonly trouble: string } {
  const world = given({ gpus: [l4, bare] })
  const folder = mkdtempSync(join(tmpdir(), 'tpg-fragile-'))
  removals.push(() => rmSync(folder, { recursive: true }))
  const trouble = join(folder, 'trouble')
  const script = `"$0" "$@" & smi=$!
    trap 'kill $smi; exit' TERM
    while kill -0 $smi 2>/dev/null; do
      if [ -e ${trouble} ]; then
        kill -9 $smi
        [ "$(cat ${trouble})" = hang ] && exec sleep 600
        exit 9
      fi
      sleep 0.05
    done`
  const real = join(dirname(standIn?.stateFile ?? ''), 'nvidia-smi')
  const env = { LD_LIBRARY_PATH: dirname(real), NVML_STATE: standIn?.stateFile }
  return {
    trouble,
    world: {
      ...world,
      launch: (_, args, options) =>
        world.launch('/bin/sh', ['-c', script, real, ...args], {
          ...options,
          env: { ...options.env, ...env },
        }),
    },
  }
}

test.each<[string, string]>([
  ['die', 'gpu_unreadable: nvidia-smi ended (exit code 9)'],
  ['hang', 'gpu_unreadable: nvidia-smi said nothing for '],
])('a nvidia-smi that %ss in the middle disturbs, and reading goes on after it', async (how, said) => {
  const { world, trouble } = fragile()
  const clock = { aheadNs: 0 }
  const hurried = { ...world, nowNs: () => world.nowNs() + clock.aheadNs }
  const sampler = await startGpuSampler(hurried, null, 20)
  try {
    await until(() => sampler?.utilizationRatio() != null)
    expect(sampler?.disturbances([])).toEqual([expect.stringContaining('gpu_throttled')])
    writeFileSync(trouble, how)
    if (how === 'hang') {
      // Every reader has taken the trouble by now: what follows is silence.
      await new Promise((resolve) => setTimeout(resolve, 500))
      clock.aheadNs = 5.6e9
    }
    await until(() => sampler?.disturbances([]).some((each) => each.startsWith(said)) === true)
    rmSync(trouble)
    sampler?.reset()
    await until(() => {
      if (sampler?.disturbances([]).some((each) => each.startsWith('gpu_unreadable'))) sampler.reset()
      return sampler?.utilizationRatio() != null
    })
  } finally {
    sampler?.stop()
  }
})

test('no sampler where no GPU can be read', async () => {
  expect(await startGpuSampler(given({ init: 9 }), null)).toBeNull()
})

describe('clocks', () => {
  const settings = { lockGpuClocks: null, lockGpuMemoryClocks: null } as const
  const stateFiles = (folder: string) => readdirSync(folder)
  let folder: string
  beforeEach(() => {
    const fresh = mkdtempSync(join(tmpdir(), 'tpg-clocks-'))
    removals.push(() => rmSync(fresh, { recursive: true }))
    folder = fresh
    standIn?.takeClockChanges()
  })

  test('are locked, seen as locked, and set free', async () => {
    const world = given({ gpus: [{ ...l4, default_clock: 795 }, bare] })
    const wish = { lockGpuClocks: 'default', lockGpuMemoryClocks: 5001 } as const
    const locked = await lockClocks(world, [l4], wish, folder)
    expect([...locked.megahertz]).toEqual([[l4.uuid, 795]])
    expect(locked.warnings).toEqual([])
    expect(await queryGpus(world, null)).toMatchObject({ gpus: [{ smClockMegahertz: 795 }, {}] })
    expect(await locked.restore()).toEqual([])
    expect(standIn?.takeClockChanges()).toEqual([
      'memory 0 5001 5001',
      'gpu 0 795 795',
      'memory 0 reset',
      'gpu 0 reset',
    ])
    expect(stateFiles(folder)).toEqual([])
  })

  test.each<[string, Partial<GpuState>, string]>([
    ['without permission', { locking: 4 }, 'does not have permission to change clocks'],
    // nvidia-smi calls this a warning and ends with exit code 0.
    ['on a GPU that cannot', { locking: 3 }, 'Setting locked GPU clocks is not supported'],
    ['on a GPU in trouble', { locking: 999 }, 'Unknown Error (exit code'],
  ])('%s run free, with a warning; nothing is left to be set free', async (_, trouble, words) => {
    const world = given({ gpus: [{ ...l4, ...trouble }] })
    const locked = await lockClocks(world, [l4], { ...settings, lockGpuClocks: 1200 }, folder)
    expect(locked.megahertz.size).toBe(0)
    expect(locked.warnings).toEqual([expect.stringContaining(words)])
    expect(await locked.restore()).toEqual([])
    expect(stateFiles(folder)).toEqual([])
    expect(standIn?.takeClockChanges()).toEqual([])
  })

  test('that have no default must be named', async () => {
    const wish = { ...settings, lockGpuClocks: 'default' } as const
    const locked = await lockClocks(given({ gpus: [l4] }), [l4], wish, folder)
    expect(locked.warnings).toEqual([expect.stringContaining('gate.lock_gpu_clocks a number of MHz')])
  })

  test('of a run that was killed are set free by the next one, those of a living run are not', async () => {
    const world = given({ gpus: [l4, bare] })
    await lockClocks(world, [l4, bare], { ...settings, lockGpuClocks: 1200 }, folder)
    standIn?.takeClockChanges()
    expect(await freeLeftClocks(world, folder)).toEqual([])
    // As if the owner had been another process, which is gone.
    const file = join(folder, `triton-perf-gate-clocks-${l4.uuid}`)
    const state = JSON.parse(readFileSync(file, 'utf8')) as { owner: string }
    writeFileSync(file, JSON.stringify({ ...state, owner: state.owner.replace(/\d+$/, '1') }))
    expect(await freeLeftClocks(world, folder)).toEqual([
      expect.stringContaining(`freed the clocks of ${l4.uuid}`),
    ])
    expect(standIn?.takeClockChanges()).toEqual(['gpu 0 reset'])
    expect(stateFiles(folder)).toEqual([`triton-perf-gate-clocks-${bare.uuid}`])
  })

  test('that cannot be set free are said to be locked, and tried again by the next start', async () => {
    const locked = await lockClocks(given({ gpus: [l4] }), [l4], { ...settings, lockGpuClocks: 1200 }, folder)
    given({ gpus: [{ ...l4, locking: 4 }] })
    expect(await locked.restore()).toEqual([expect.stringContaining('may still be locked')])
    expect(stateFiles(folder)).toHaveLength(1)
  })
})

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
  const { reference, candidate, shown, constraints = '', more = '', context = 0, metricsFrom } = sides
  const seen = given({ gpus: [{ ...l4, throttle: 0 }] })
  const world = context === 0 ? seen : withContexts(seen, context)
  const environment = { ...standIn?.serverEnvironment(1), NVML_STATE: metricsFrom }
  const root = mkdtempSync(join(tmpdir(), 'tpg-gpu-'))
  removals.push(() => rmSync(root, { recursive: true, force: true }))
  const repository = (name: string, memory: number) => {
    writePythonModel(join(root, name), 'm', { python: gpuModel(standIn?.stateFile ?? '', memory, shown) })
    return join(root, name)
  }
  const yaml = `
concurrency: 1
${constraints}
${metricsFrom === undefined ? '' : `triton_server_environment: ${JSON.stringify(environment)}`}
gate:
  repetitions: 2
  warmup_seconds: 0.5
  measurement_seconds: 1
  ${more}
`
  const request: GateRequest = {
    config: readConfig(yaml, 'triton-perf-gate.yml', { triton: 'embedded', runConfigSearchMode: 'off' }),
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
  return resultSchema.parse(JSON.parse(readFileSync(join(root, 'out', 'result.json'), 'utf8')))
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

test("of a remote server only Triton's own metrics tell of GPU memory: the whole device, and named so", async () => {
  const [first, second] = [
    { ...l4, used: 700 },
    { ...bare, used: 24 },
  ]
  const world = given({ gpus: [first, second] })
  const root = mkdtempSync(join(tmpdir(), 'tpg-remote-'))
  removals.push(() => rmSync(root, { recursive: true, force: true }))
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
