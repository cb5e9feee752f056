// The real nvidia-smi, on GPUs that live in a text file (test/support/nvml).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import type { World } from '../../src/domain/world.ts'
import { queryGpus, queryProcesses } from '../../src/gpu/nvidia-smi.ts'
import { type GpuSampler, startGpuSampler } from '../../src/gpu/sampler.ts'
import { bare, given, l4, mebibyte, removeAfterwards, standIn, uuidA, uuidB } from '../support/nvml/given.ts'
import { type NvmlState, worldWith } from '../support/nvml/stand-in.ts'
import { until } from '../support/until.ts'

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
  removeAfterwards(() => rmSync(folder, { recursive: true }))
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
