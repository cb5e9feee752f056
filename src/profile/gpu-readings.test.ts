import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { differences, watchGpus } from './gpu-readings.ts'
import type { LiveModel } from './side.ts'

const gibibyte = 2 ** 30
const shown = (used: number) =>
  new Map([['GPU-a', { usedBytes: used * gibibyte, totalBytes: 20 * gibibyte }]])

test.each<[string, number, number, boolean]>([
  ['the same', 4, 4, false],
  ['what the driver keeps for itself', 4, 5, false],
  ['more', 4, 5.01, true],
  ['less', 4, 2.99, true],
])('two sources that differ by %s', (_, nvidiaSmi, triton, isDoubted) => {
  const found = differences(new Map([['GPU-a', triton * gibibyte]]), shown(nvidiaSmi))
  expect(found.length > 0).toBe(isDoubted)
})

test('a GPU that only one of them shows is not compared', () => {
  expect(differences(new Map([['GPU-b', 9 * gibibyte]]), shown(1))).toEqual([])
  expect(differences(new Map(), shown(1))).toEqual([])
})

const modelOn = (mode: string) =>
  ({ live: { server: { mode, metricsUrl: null, pids: () => [] } } }) as unknown as LiveModel

test.each<[string, object]>([
  ['remote', { bytes: null, source: "Triton's metrics are switched off" }],
  ['embedded', {}],
])('without any source a %s server says why, if that is of use, and never zero', async (mode, device) => {
  const end = await watchGpus(
    fakeWorld({}, () => undefined),
    [modelOn(mode)],
    null,
  )
  const { sides, disturbances } = await end()
  expect(disturbances).toEqual([])
  expect(sides[0]).toMatchObject({ gpuMemory: null, gpuDeviceMemoryTritonBytes: null, gpuDoubts: [] })
  expect(sides[0]?.gpuDeviceMemory ?? {}).toEqual(device)
})
