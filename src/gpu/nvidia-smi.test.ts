import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import type { RunOutput } from '../domain/world.ts'
import { parseGpu, parseProcess, queryGpus, queryProcesses } from './nvidia-smi.ts'

const answers = (output: Partial<RunOutput> | undefined) =>
  fakeWorld({}, (command) => (command === 'nvidia-smi' ? output : undefined))

// In the form of nvidia-smi's csv,noheader,nounits; test/integration/gpu.test.ts reads the real one.
const l4 =
  'GPU-11111111-2222-3333-4444-555555555555, NVIDIA L4, 535.261.03, 23034, 512, 37, 28.15, 2040, [N/A], 0x0000000000000004'
const a100 =
  'GPU-99999999-2222-3333-4444-555555555555, NVIDIA A100-SXM4-80GB, 535.261.03, 81920, 0, [N/A], [N/A], 1410, Enabled, 0x0000000000000068'

test('GPUs in bytes, ratios and watts; what is not available is null', async () => {
  const reading = await queryGpus(answers({ stdout: `${l4}\n${a100}\n` }), null)
  expect(reading).toMatchObject({
    status: 'available',
    gpus: [
      {
        uuid: 'GPU-11111111-2222-3333-4444-555555555555',
        name: 'NVIDIA L4',
        driverVersion: '535.261.03',
        memoryTotalBytes: 23034 * 1024 * 1024,
        memoryUsedBytes: 512 * 1024 * 1024,
        utilizationRatio: 0.37,
        powerWatts: 28.15,
        smClockMegahertz: 2040,
        throttleReasons: ['sw_power_cap'],
        mig: null,
      },
      expect.objectContaining({
        memoryUsedBytes: 0,
        utilizationRatio: null,
        powerWatts: null,
        throttleReasons: ['hw_slowdown', 'sw_thermal_slowdown', 'hw_thermal_slowdown'],
        mig: true,
      }),
    ],
  })
})

test.each<[Partial<RunOutput> | undefined, string]>([
  [undefined, 'nvidia-smi not found'],
  [{ exitCode: null, timedOut: true }, 'nvidia-smi does not answer'],
  [
    {
      exitCode: 9,
      stdout: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    },
    "nvidia-smi failed (exit code 9): NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
  ],
  [
    {
      exitCode: 18,
      stdout: 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.261\n',
    },
    'nvidia-smi failed (exit code 18): Failed to initialize NVML: Driver/library version mismatch',
  ],
  ...(
    [
      [2, 'Field "uuid" is not a valid field to query.'],
      [4, 'Failed to initialize NVML: Insufficient Permissions'],
      [6, 'No devices were found'],
      [12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system."],
      [
        15,
        'Unable to determine the device handle for GPU1: GPU is lost.  Reboot the system to recover this GPU',
      ],
      [17, 'Failed to initialize NVML: Blocked by Operating System'],
      [255, 'Failed to initialize NVML: Unknown Error'],
    ] as const
  ).map(([exitCode, said]): [Partial<RunOutput>, string] => [
    // Also after lines that look well: only the exit code tells.
    { exitCode, stdout: `${said}\n${l4}\n` },
    `nvidia-smi failed (exit code ${exitCode}): ${said}`,
  ]),
  [{ stdout: `${l4}\nUnable to determine the device handle\n` }, `nvidia-smi answered "${l4}\nUnable`],
  [{ stdout: '' }, 'nvidia-smi answered ""'],
])('no reading is said, never zero: %j', async (output, reason) => {
  const reading = await queryGpus(answers(output), null)
  expect(reading.status === 'unavailable' && reading.reason.startsWith(reason)).toBe(true)
})

test.each(['[N/A]', '[Not Supported]', '[Function Not Found]', '[Unknown Error]', 'N/A'])(
  'a field that is %s is not known, and never zero',
  (absent) => {
    const fields = l4.split(', ')
    const names = [
      null,
      null,
      null,
      null,
      'memoryUsedBytes',
      'utilizationRatio',
      'powerWatts',
      'smClockMegahertz',
      'mig',
      'throttleReasons',
    ] as const
    for (const [index, name] of names.entries()) {
      if (name === null) continue
      const gpu = parseGpu(fields.with(index, absent).join(', '))
      expect(gpu?.[name], name).toBeNull()
      // The others are not touched; the L4 has no MIG anyhow.
      const known = names.filter((other) => other !== null && other !== name && other !== 'mig')
      expect(
        known.map((other) => other !== null && gpu?.[other] != null),
        name,
      ).not.toContain(false)
    }
    expect(parseProcess(`GPU-1, 7, ${absent}`)).toEqual({ gpuUuid: 'GPU-1', pid: 7, memoryBytes: null })
  },
)

test.each([
  ['Enabled', true],
  ['Disabled', false],
  ['[N/A]', null],
])('MIG that is %s', (text, mig) => {
  expect(parseGpu(l4.replace('[N/A]', text))?.mig).toBe(mig)
})

test('a line that was cut short is no GPU', () => {
  for (let length = 0; length < l4.lastIndexOf(', '); length += 1)
    expect(parseGpu(l4.slice(0, length))).toBeNull()
  expect(parseGpu(l4)).not.toBeNull()
})

test('a process is a GPU, a pid and bytes; without a number its memory is null', async () => {
  const stdout = 'GPU-1, 100, 256\nGPU-1, 101, [N/A]\nno such line\n'
  expect(await queryProcesses(answers({ stdout }), null)).toEqual([
    { gpuUuid: 'GPU-1', pid: 100, memoryBytes: 256 * 1024 * 1024 },
    { gpuUuid: 'GPU-1', pid: 101, memoryBytes: null },
  ])
  expect(await queryProcesses(answers({ exitCode: 9, stdout: 'GPU-1, 1, 1\n' }), null)).toEqual([])
})

test('only the GPUs that the server may use are read; with none of them there is nothing to ask', async () => {
  const world = answers({ stdout: l4 })
  await queryGpus(world, ['0', 'GPU-2'])
  await queryProcesses(world, ['0', 'GPU-2'])
  expect(world.ran.every((command) => command.endsWith(' --id=0,GPU-2'))).toBe(true)
  expect(await queryGpus(world, [])).toEqual({ status: 'unavailable', reason: 'no GPU is to be used' })
  expect(world.ran).toHaveLength(2)
})

test('the throttle reasons are asked for by the name that this nvidia-smi knows, then and later', async () => {
  const world = fakeWorld({}, (_, [query = '']) =>
    query.includes('clocks_throttle_reasons')
      ? { exitCode: 2, stdout: 'Field "clocks_throttle_reasons.active" is not a valid field to query.\n' }
      : { stdout: l4 },
  )
  const reading = await queryGpus(world, null)
  expect(reading.status === 'available' && reading.query[0]).toContain('clocks_event_reasons.active')
})
