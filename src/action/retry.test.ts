import { expect, test } from 'vitest'
import { NoAnswer, retryDelayMs, withRetries } from './retry.ts'

const still = { nowMs: () => 1_000_000, random: () => 0 }
const refused = (status: number, headers: Record<string, string> = {}, message = 'no') =>
  Object.assign(new Error(message), { status, response: { headers } })

test.each<[string, unknown, number | null]>([
  ['429 with retry-after', refused(429, { 'retry-after': '7' }), 8000],
  ['429 that says nothing', refused(429), 1000],
  ['403 with retry-after', refused(403, { 'retry-after': '2' }), 3000],
  [
    '403 with nothing left until the reset',
    refused(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1005' }),
    6000,
  ],
  ['403 in words', refused(403, {}, 'You have exceeded a secondary rate limit.'), 60_000],
  ['403 for want of a permission', refused(403, { 'x-ratelimit-remaining': '4999' }), null],
  ['500', refused(500), 1000],
  ['502', refused(502), 1000],
  ['no answer', new NoAnswer('broke off'), 1000],
  ['no connection', new Error('ECONNRESET'), 1000],
  ['401', refused(401), null],
  ['404', refused(404), null],
  ['410', refused(410), null],
  ['422', refused(422), null],
])('%s: asked again after %#', (_, error, delayMs) => {
  expect(retryDelayMs(error, 0, true, still)).toBe(delayMs)
})

test('what must not be done twice is asked again only after a refusal', () => {
  expect(retryDelayMs(refused(502), 0, false, still)).toBeNull()
  expect(retryDelayMs(new NoAnswer('slow'), 0, false, still)).toBeNull()
  expect(retryDelayMs(refused(429), 0, false, still)).toBe(1000)
})

test('waits grow, and end', () => {
  const delays = [0, 1, 2, 3, 4, 5].map((retries) => retryDelayMs(refused(500), retries, true, still))
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, null])
})

/** Time that passes only while somebody sleeps. */
function virtualClock() {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    sleep: async (durationMs: number) => {
      nowMs += durationMs
    },
    random: () => 0.5,
  }
}

test('asks until it is answered', async () => {
  const clock = virtualClock()
  let asked = 0
  const answer = await withRetries(
    async () => {
      if (++asked < 3) throw refused(503)
      return 'yes'
    },
    { repeatable: true, deadlineMs: 60_000, clock },
  )
  expect([answer, asked, clock.nowMs()]).toEqual(['yes', 3, 4500])
})

test('gives up with the last error where the deadline would pass while waiting', async () => {
  const clock = virtualClock()
  let asked = 0
  const ask = async () => {
    asked++
    throw refused(429, { 'retry-after': '40' })
  }
  await expect(withRetries(ask, { repeatable: true, deadlineMs: 60_000, clock })).rejects.toThrow('no')
  expect(asked).toBe(2)
  expect(clock.nowMs()).toBeLessThanOrEqual(60_000)
})
