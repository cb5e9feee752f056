import { expect, test } from 'vitest'
import { Rendezvous, rendezvousMemory } from './rendezvous.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('all get the same start, after the last one has come', async () => {
  const memory = rendezvousMemory()
  const [first, second] = [new Rendezvous(memory, 2), new Rendezvous(memory, 2)]
  const early = first.start()
  await sleep(40)
  const lastCameNs = process.hrtime.bigint()
  const starts = await Promise.all([early, second.start()])
  expect(starts[0]).toBe(starts[1])
  expect(starts[0]).toBeGreaterThan(lastCameNs)
})

test('one that cannot take part keeps nobody waiting', async () => {
  const memory = rendezvousMemory()
  const waiting = new Rendezvous(memory, 2).start()
  new Rendezvous(memory, 2).leave()
  expect(await waiting).toBeGreaterThan(0n)
})
