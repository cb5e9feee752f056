import { getMaxListeners, setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createNodeWorld } from './node-world.ts'

test('many servers at a time are no leak that Node warns the user of', () => {
  const { signal } = new AbortController()
  // As every signal begins with in Node 20.
  setMaxListeners(10, signal)
  createNodeWorld({ progress: () => {}, loadWorker: new URL('file:///none'), signal })
  expect(getMaxListeners(signal)).toBe(0)
})
