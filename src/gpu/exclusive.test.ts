import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { takeGpus } from './exclusive.ts'

const world = () => fakeWorld({}, () => undefined)
const gpu = () => ({ uuid: `GPU-${randomUUID()}`, name: 'NVIDIA L4' })
const now = { exclusive: 'gpu', exclusiveWaitNs: 0 } as const

test('two runs on different GPUs do not wait for each other, on the same one they do', async () => {
  const [a, b] = [gpu(), gpu()]
  const first = await takeGpus(world(), [a], now)
  const second = await takeGpus(world(), [b], now)
  await expect(takeGpus(world(), [b, a], now)).rejects.toThrow('is still measured on by another run')
  await expect(takeGpus(world(), [a], { ...now, exclusive: 'off' })).resolves.toBeDefined()
  await first.release()
  // The run that got only one of its two has let go of it.
  const third = await takeGpus(world(), [a], now)
  await Promise.all([second, third].map(({ release }) => release()))
})

test('however they name them, two runs with the same GPUs both get through', async () => {
  const gpus = [gpu(), gpu(), gpu()]
  const run = async (list: typeof gpus) => {
    const lock = await takeGpus(world(), list, { ...now, exclusiveWaitNs: 1e15 })
    await new Promise(setImmediate)
    await lock.release()
  }
  await Promise.all([run(gpus), run(gpus.toReversed()), run(gpus)])
})
