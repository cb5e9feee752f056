import { expect, test } from 'vitest'
import { parseGpu } from './nvidia-smi.ts'
import { createReadings, idleShare } from './readings.ts'

const mebibyte = 2 ** 20
const line = (
  uuid: string,
  used: number | string,
  utilization: number | string,
  watts: number,
  throttle = '0x0',
) => `${uuid}, NVIDIA L4, 535.1, 23034, ${used}, ${utilization}, ${watts}, 2040, [N/A], ${throttle}`

function readings(neighbours: number[] = []) {
  const idle = ['GPU-a', 'GPU-b'].flatMap((uuid) => parseGpu(line(uuid, 100, 0, 10)) ?? [])
  return createReadings(idle, new Set(neighbours))
}

test('own processes: the peak of each, summed over GPUs and children', () => {
  const { addProcessLine, addGpuLine, view } = readings()
  addGpuLine(line('GPU-a', 5000, 50, 60))
  for (const memory of [200, 500, 300]) addProcessLine(`GPU-a, 10, ${memory}`)
  addProcessLine('GPU-b, 11, 40')
  addProcessLine('GPU-a, 99, 4000')
  expect(view.memoryOf([10, 11], true)).toEqual({
    bytes: 540 * mebibyte,
    source: expect.stringContaining("the server's own processes"),
  })
})

test('processes that are not shown: device beyond idle, but only while they are alone', () => {
  const { addProcessLine, addGpuLine, view } = readings()
  expect(view.memoryOf([10], true)).toMatchObject({ bytes: null })
  addGpuLine(line('GPU-a', 600, 50, 60))
  addGpuLine(line('GPU-a', 400, 50, 60))
  addGpuLine(line('GPU-b', 90, 0, 10))
  addProcessLine('GPU-a, 10, [N/A]')
  expect(view.memoryOf([10], true)).toEqual({
    bytes: 500 * mebibyte,
    source: expect.stringContaining('beyond idle'),
  })
  expect(view.memoryOf([10], false)).toMatchObject({ bytes: null })
})

test('a part of the truth is no reading', () => {
  const { addProcessLine, addGpuLine, view } = readings()
  addProcessLine('GPU-a, 10, 200')
  addProcessLine('GPU-a, 11, [N/A]')
  addGpuLine(line('GPU-a', 600, 50, 60))
  // GPU-b is not read, then its memory is not known: 500 MiB of GPU-a alone would be too little.
  expect(view.memoryOf([10, 11], true).bytes).toBeNull()
  addGpuLine(line('GPU-b', '[N/A]', 0, 10))
  expect(view.memoryOf([10, 11], true).bytes).toBeNull()
})

test('a GPU that is lost while it is read disturbs', () => {
  const { addGpuLine, view } = readings()
  addGpuLine('[GPU is lost], [GPU is lost], 535.1, [GPU is lost]')
  expect(view.disturbances([])).toEqual(['gpu_unreadable: nvidia-smi said [GPU is lost]'])
  view.reset()
  expect(view.disturbances([])).toEqual([])
})

test('utilisation of the busiest GPU, power of all', () => {
  const { addGpuLine, view } = readings()
  expect([view.utilizationRatio(), view.powerWatts()]).toEqual([null, null])
  for (const each of [line('GPU-a', 1, 80, 70), line('GPU-a', 1, 60, 50), line('GPU-b', 1, '[N/A]', 10)])
    addGpuLine(each)
  expect(view.utilizationRatio()).toBeCloseTo(0.7)
  expect(view.powerWatts()).toBeCloseTo(70)
  view.reset()
  expect([view.utilizationRatio(), view.powerWatts()]).toEqual([null, null])
})

test('heat disturbs, a power cap does not', () => {
  const { addGpuLine, view } = readings()
  addGpuLine(line('GPU-a', 1, 80, 70, '0x0000000000000045'))
  expect(view.disturbances([])).toEqual(['gpu_throttled: GPU-a: hw_thermal_slowdown'])
})

test('a newcomer disturbs; who was there before does not, nor anyone where pids are not ours', () => {
  const { addProcessLine, view } = readings([7])
  for (const pid of [7, 10, 55]) addProcessLine(`GPU-a, ${pid}, 100`)
  expect(view.disturbances([10])).toEqual(['gpu_shared: process 55 came to the GPU'])
  expect(view.disturbances([1010])).toEqual([])
})

test('the last reading of each GPU that says what it holds; one that does not is missing', () => {
  const { addGpuLine, view } = readings()
  for (const each of [line('GPU-a', 600, 50, 60), line('GPU-a', 400, 50, 60), line('GPU-b', '[N/A]', 0, 10)])
    addGpuLine(each)
  expect([...view.lastMemory()]).toEqual([
    ['GPU-a', { usedBytes: 400 * mebibyte, totalBytes: 23034 * mebibyte }],
  ])
})

test('what the idle server held is read as the whole was: of its processes, or as the devices gained it', () => {
  const { addProcessLine, addGpuLine, view } = readings()
  const idle = { ownBytes: 200, gainedBytes: 300 }
  for (const each of [line('GPU-a', 600, 50, 60), line('GPU-b', 100, 50, 60)]) addGpuLine(each)
  expect(idleShare(view.memoryOf([10], true), idle)).toBe(300)
  expect(idleShare(view.memoryOf([10], false), idle)).toBeNull()
  addProcessLine('GPU-a, 10, 200')
  expect(idleShare(view.memoryOf([10], true), idle)).toBe(200)
  expect(idleShare(view.memoryOf([10], true), { ...idle, ownBytes: null })).toBeNull()
})
