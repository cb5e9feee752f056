import { expect, test } from 'vitest'
import { startLoadThread } from './load-thread.ts'
import { tallyMemory } from './tally.ts'
import { concurrency, serve, succeedAtOnce } from './testing-generator.ts'
import { targetOn, testingWorld } from './testing-server.ts'

test('a thread ends in the middle of its load, at once, and what it was asked is rejected', async () => {
  const server = await serve(succeedAtOnce)
  const thread = await startLoadThread(testingWorld())
  const target = targetOn(server.port)
  await thread.call({ kind: 'open', target, share: { index: 0, of: 1 } })
  const run = thread.call({
    kind: 'run',
    targetId: target.id,
    load: concurrency(4),
    options: { leadInNs: 0, durationNs: 60e9 },
    muster: { seed: 1, rendezvous: null, tally: tallyMemory(), outstanding: null },
  })
  const rejected = expect(run).rejects.toThrow('the load worker has ended')
  while (server.requests < 10) await new Promise((resolve) => setTimeout(resolve, 1))
  await thread.close()
  await rejected
  await expect(thread.call({ kind: 'closeTarget', targetId: target.id })).rejects.toThrow('has ended')
  await thread.close()
})

test('one that does not come to its messages ends, too', async () => {
  const deaf = new URL('data:text/javascript,for(;;);')
  const thread = await startLoadThread({ ...testingWorld(), loadWorker: deaf })
  await thread.close()
  await expect(thread.call({ kind: 'closeTarget', targetId: 'any' })).rejects.toThrow('has ended')
})
