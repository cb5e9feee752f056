import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { nsPerSecond } from '../domain/world.ts'
import { takeHostLock } from './host-lock.ts'

const world = () => fakeWorld({}, () => undefined)
const wish = (name: string, waitSeconds: number) => ({
  name,
  what: 'GPU 7',
  waitNs: waitSeconds * nsPerSecond,
})

test('one at a time: the next one says that it waits, and goes on when the first lets go', async () => {
  const name = randomUUID()
  const first = await takeHostLock(world(), wish(name, 0))
  const waiting = world()
  let taken = false
  const second = takeHostLock(waiting, wish(name, 1e6)).then((lock) => {
    taken = true
    return lock
  })
  while (waiting.said.length === 0) await new Promise(setImmediate)
  expect(waiting.said[0]).toContain(`GPU 7 is measured on by another run (process ${process.pid}, since`)
  expect(taken).toBe(false)
  await first.release()
  await (await second).release()
  // And it is free afterwards.
  await (await takeHostLock(world(), wish(name, 0))).release()
})

test('what is not let go ends the wait with an error that names the other process', async () => {
  const name = randomUUID()
  const first = await takeHostLock(world(), wish(name, 0))
  await expect(takeHostLock(world(), wish(name, 60))).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringMatching(new RegExp(`^GPU 7 .*process ${process.pid},.* after 60 s$`)),
    hint: expect.stringContaining('gate.exclusive_wait'),
  })
  await first.release()
})

test('a signal ends the wait', async () => {
  const name = randomUUID()
  const first = await takeHostLock(world(), wish(name, 0))
  const interrupted = { ...world(), signal: AbortSignal.abort() }
  await expect(takeHostLock(interrupted, wish(name, 60))).rejects.toMatchObject({ code: 'interrupted' })
  await first.release()
})

test('a killed process holds nothing', async () => {
  const name = randomUUID()
  const program = `
    import { takeHostLock } from ${JSON.stringify(new URL('./host-lock.ts', import.meta.url))}
    const world = { nowNs: () => 0, date: () => 'then', signal: new AbortController().signal, progress() {} }
    await takeHostLock(world, { name: ${JSON.stringify(name)}, what: 'x', waitNs: 0 })
    console.log('held')
    setInterval(() => {}, 1000)
  `
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  await expect(takeHostLock(world(), wish(name, 0))).rejects.toThrow(`process ${holder.pid}, since then`)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await (await takeHostLock(world(), wish(name, 5))).release()
})
