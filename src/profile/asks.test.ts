import { expect, test } from 'vitest'
import { saturatedClient } from '../../test/support/client-health.ts'
import { windowOf } from '../../test/support/windows.ts'
import { nsPerMs } from '../domain/world.ts'
import type { LoadGenerator } from '../load/generator.ts'
import { type Ask, apart, runAsks, withSharedHealth } from './asks.ts'

const asks: Ask[] = [
  { model: 'a', target: 'candidate/a', load: { mode: 'concurrency', concurrency: 4 } },
  { model: 'b', target: 'candidate/b', load: { mode: 'requestRate', requestRate: 5 } },
]
const durationNs = 100 * nsPerMs
const block = (change: object = {}) => windowOf([1, 2], { durationNs, ...change })

test('a single model runs as ever, several at once', async () => {
  const calls: unknown[] = []
  const note = (name: string) => (what: unknown) => {
    calls.push([name, what])
    return Promise.resolve(name === 'run' ? block() : [block(), block()])
  }
  const generator = { run: note('run'), runTogether: note('runTogether') } as unknown as LoadGenerator
  const options = { leadInNs: 0, durationNs }
  expect(await runAsks(generator, asks.slice(0, 1), options)).toHaveLength(1)
  expect(await runAsks(generator, asks, options)).toHaveLength(2)
  expect(calls).toEqual([
    ['run', 'candidate/a'],
    ['runTogether', asks.map(({ target, load }) => ({ targetId: target, load }))],
  ])
})

test('blocks that overlap by 95 % and more are at once', () => {
  expect(apart(asks, [block(), block({ startNs: 4.9 * nsPerMs })])).toBeNull()
  expect(apart(asks, [block(), block({ startNs: 6 * nsPerMs })])).toMatch(
    /^loads_apart: only 94 % of a block/,
  )
  // It began with the others and ended early.
  expect(apart(asks, [block(), block({ durationNs: 60 * nsPerMs })])).toMatch(/only 60 %/)
  expect(apart(asks, [block(), block({ startNs: 300 * nsPerMs })])).toMatch(/only 0 %/)
})

test('a closed loop that began late in its window was not beside the others; an open loop waits until a request is due', () => {
  expect(apart(asks, [block({ lateStartNs: 4 * nsPerMs }), block()])).toBeNull()
  expect(apart(asks, [block({ lateStartNs: 20 * nsPerMs }), block()])).toBe(
    'loads_apart: the load of a began when 20 % of a block was over',
  )
  expect(apart(asks, [block(), block({ lateStartNs: 80 * nsPerMs })])).toBeNull()
})

test('a saturated load thread voids the block of every model, and is told by the name of its own', () => {
  const [a, b] = withSharedHealth(asks, [block(), block({ client: saturatedClient() })])
  expect(a?.client).toMatchObject({
    saturated: true,
    problems: [
      'client_saturated: beside it the load of b: a load thread was busy for 97 % of the time (limit 90 %)',
    ],
  })
  expect(b?.client).toEqual(saturatedClient())
  const calm = withSharedHealth(asks, [block(), block()])
  expect(calm.map(({ client }) => client.saturated)).toEqual([false, false])
})
