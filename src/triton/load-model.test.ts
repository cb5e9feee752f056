import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { GateError } from '../domain/error.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { TritonClient } from './client.ts'
import { loadModel } from './load-model.ts'
import type { TritonServer } from './server.ts'
import { createServerLog } from './server-log.ts'

/** A load that is refused at once with this answer, while the server's log comes `afterNs` later. */
async function refused(answer: string, line: string, afterNs: number) {
  const world = fakeWorld({}, () => undefined)
  const log = createServerLog()
  const sleep = async (durationNs: number) => {
    await world.sleep(durationNs)
    if (world.nowNs() >= afterNs) log.add(line)
  }
  const server = {
    onLogLine: log.listen,
    exited: new Promise(() => {}),
    hasExited: () => false,
    pids: () => [],
  } as unknown as TritonServer
  const load = () => Promise.reject(new GateError('model', answer))
  const client = { load } as unknown as TritonClient
  const error = await loadModel({ ...world, sleep }, server, client, 'm', { timeoutNs: nsPerSecond }).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof GateError)) throw new Error('expected a GateError', { cause: error })
  return { message: error.message, tookNs: world.nowNs() }
}

const bare = "failed to load 'm', failed to poll from model repository"
const why = "Poll failed for model directory 'm': unexpected platform type"

test('where the answer leaves the reason to the log, and that comes later, it is waited for', async () => {
  const { message, tookNs } = await refused(bare, why, 300 * nsPerMs)
  expect(message).toContain(why)
  expect(tookNs).toBeLessThan(nsPerSecond)
})

test('but not for ever', async () => {
  const { message, tookNs } = await refused(bare, 'something else', 0)
  expect(message).toBe(`model 'm' did not load: ${bare}`)
  expect(tookNs).toBe(2 * nsPerSecond)
})

test('an answer with the reason is enough', async () => {
  const { message, tookNs } = await refused('ValueError: no weights', why, 300 * nsPerMs)
  expect(message).toBe("model 'm' did not load: ValueError: no weights")
  expect(tookNs).toBe(0)
})
