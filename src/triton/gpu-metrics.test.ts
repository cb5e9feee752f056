import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { parseGpuMemory, readGpuMemory } from './gpu-metrics.ts'

// As Triton 2.51 writes them; test/integration/gpu.test.ts reads the real ones.
const metrics = `
# HELP nv_gpu_memory_used_bytes GPU used memory, in bytes
# TYPE nv_gpu_memory_used_bytes gauge
nv_gpu_memory_used_bytes{gpu_uuid="GPU-a"} 536870912
nv_gpu_memory_used_bytes{gpu_uuid="GPU-b"} 1.585446912e+09
nv_gpu_memory_total_bytes{gpu_uuid="GPU-a"} 24152899584
`

test('what each GPU holds; what is no number, or no GPU, is left out', () => {
  const odd = ['{gpu_uuid="GPU-c"} NaN', '{gpu_uuid="GPU-d"} +Inf', '{gpu_uuid="GPU-e"} -1', '{} 7', ' 7']
  const text = metrics + odd.map((each) => `nv_gpu_memory_used_bytes${each}\n`).join('')
  expect([...parseGpuMemory(text)]).toEqual([
    ['GPU-a', 536870912],
    ['GPU-b', 1585446912],
  ])
})

test.each<[string, number, string, string]>([
  ['no GPU', 200, 'nv_cpu_utilization 0.5\n', 'name no GPU'],
  ['an error', 500, metrics, 'answer 500'],
])('%s is said, and is not zero', async (_, status, body, words) => {
  const server = createServer((_request, response) => response.writeHead(status).end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
  expect(await readGpuMemory(url)).toEqual({
    status: 'unavailable',
    reason: expect.stringContaining(words),
  })
  await new Promise((resolve) => server.close(resolve))
  expect(await readGpuMemory(url)).toEqual({
    status: 'unavailable',
    reason: expect.stringContaining('do not answer'),
  })
})

test('metrics that are switched off are not asked', async () => {
  expect(await readGpuMemory(null)).toMatchObject({ status: 'unavailable' })
})
