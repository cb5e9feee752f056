import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import type { RunOutput } from '../domain/world.ts'
import { gpuMemoryOf, parseGpu, queryGpus, queryProcesses } from './nvidia-smi.ts'

const answers = (output: Partial<RunOutput> | undefined) =>
  fakeWorld({}, (command) => (command === 'nvidia-smi' ? output : undefined))

// As nvidia-smi 535.261.03 prints it with csv,noheader,nounits.
const l4 =
  'GPU-11111111-2222-3333-4444-555555555555, NVIDIA L4, 535.261.03, 23034, 512, 37, 28.15, 2040, 0x0000000000000004, [N/A]'
const a100 =
  'GPU-99999999-2222-3333-4444-555555555555, NVIDIA A100-SXM4-80GB, 535.261.03, 81920, 0, [N/A], [N/A], 1410, 0x0000000000000068, Enabled'

test('GPUs in bytes, ratios and watts; what is not available is null', async () => {
  const reading = await queryGpus(answers({ stdout: `${l4}\n${a100}\n` }))
  expect(reading).toEqual({
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
  [
    { exitCode: 6, stdout: 'No devices were found\n' },
    'nvidia-smi failed (exit code 6): No devices were found',
  ],
  [{ stdout: `${l4}\nUnable to determine the device handle\n` }, `nvidia-smi answered "${l4}\nUnable`],
  [{ stdout: '' }, 'nvidia-smi answered ""'],
])('no reading is said, never zero: %j', async (output, reason) => {
  const reading = await queryGpus(answers(output))
  expect(reading.status === 'unavailable' && reading.reason.startsWith(reason)).toBe(true)
})

test('a line that was cut short is no GPU', () => {
  for (let length = 0; length < l4.lastIndexOf(', '); length += 1)
    expect(parseGpu(l4.slice(0, length))).toBeNull()
  expect(parseGpu(l4)).not.toBeNull()
})

test('memory of processes over all GPUs', async () => {
  const processes = await queryProcesses(
    answers({ stdout: 'GPU-1, 100, 256\nGPU-2, 100, 44\nGPU-1, 101, [N/A]\nGPU-1, 7, 1000\n' }),
  )
  expect(processes).toHaveLength(4)
  expect(gpuMemoryOf(processes, [100, 101])).toBe(300 * 1024 * 1024)
  expect(gpuMemoryOf(processes, [101])).toBeNull()
  expect(gpuMemoryOf(processes, [])).toBeNull()
  expect(await queryProcesses(answers({ exitCode: 9, stdout: 'GPU-1, 1, 1\n' }))).toEqual([])
})
