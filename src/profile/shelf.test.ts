import { expect, test } from 'vitest'
import type { Running } from './records.ts'
import { makeShelf } from './shelf.ts'

function running(detach: () => Promise<void>) {
  const closed: string[] = []
  const model = { detach }
  const server = { close: async () => void closed.push('server') }
  return { closed, running: { model, server } as unknown as Running }
}

test('what is not taken is stopped, once', async () => {
  const shelf = makeShelf()
  await shelf.clear()
  const { closed, running: held } = running(() => Promise.resolve())
  shelf.put(held)
  await shelf.clear()
  await shelf.clear()
  expect(closed).toEqual(['server'])
  expect(shelf.take()).toBeNull()
})

test('what was taken is whose it is now', async () => {
  const shelf = makeShelf()
  const { closed, running: held } = running(() => Promise.resolve())
  shelf.put(held)
  expect(shelf.take()).toBe(held)
  await shelf.clear()
  expect(closed).toEqual([])
})

test('a server whose connections cannot be closed in good order is stopped all the same', async () => {
  const shelf = makeShelf()
  const { closed, running: held } = running(() => Promise.reject(new Error('the server is gone')))
  shelf.put(held)
  await expect(shelf.clear()).rejects.toThrow('the server is gone')
  expect(closed).toEqual(['server'])
})
