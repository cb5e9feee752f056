import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CommentStore,
  commentMarker,
  type IssueComment,
  maxCommentBytes,
  maxReportBytes,
  putComment,
} from './comment.ts'

const bot = 'github-actions[bot]'
const sticky = { issue: 7, key: 'gpu-a100', runId: 77, runAttempt: 1 }

/** One pull request's comments in memory. */
function store(initial: readonly Partial<IssueComment>[] = []) {
  let nextId = 1
  let comments: IssueComment[] = initial.map((comment) => ({
    id: nextId++,
    author: bot,
    body: '',
    ...comment,
  }))
  const fake: CommentStore = {
    login: async () => bot,
    list: async () => comments,
    create: async (_issue, body) => void comments.push({ id: nextId++, author: bot, body }),
    update: async (id, body) => {
      comments = comments.map((comment) => (comment.id === id ? { ...comment, body } : comment))
    },
    remove: async (id) => {
      comments = comments.filter((comment) => comment.id !== id)
    },
    sleep: async () => {},
  }
  return { fake, bodies: () => comments.map(({ body }) => body) }
}

/** Time that passes only when everybody waits. */
function virtualTime() {
  let nowMs = 0
  let order = 0
  const sleepers: { at: number; order: number; wake: () => void }[] = []
  const sleep = (durationMs: number) =>
    new Promise<void>((wake) => sleepers.push({ at: nowMs + durationMs, order: order++, wake }))
  const runUntil = async (done: Promise<unknown>) => {
    let ended = false
    void done.finally(() => {
      ended = true
    })
    while (!ended) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = sleepers.sort((a, b) => a.at - b.at || a.order - b.order).shift()
      if (next === undefined) continue
      nowMs = next.at
      next.wake()
    }
    await done
  }
  return { sleep, runUntil }
}

const of = (runId: number, key = 'gpu-a100') => `${commentMarker({ key, runId, runAttempt: 1 })}\nold`

test('fifty pushes leave one comment, the last', async () => {
  const { fake, bodies } = store([{ author: 'alice', body: 'nice' }])
  for (let runId = 1; runId <= 50; runId++) {
    const outcome = await putComment(fake, { ...sticky, runId }, `report ${runId}`)
    expect(outcome.status).toBe(runId === 1 ? 'created' : 'updated')
  }
  expect(bodies()).toEqual(['nice', '<!-- triton-perf-gate:gpu-a100 run=50.1 -->\nreport 50'])
})

test.each([
  ['written by somebody else', { author: 'mallory', body: of(5) }],
  ['of a deleted account', { author: null, body: of(5) }],
  ['of another key', { body: of(5, 'gpu-h100') }],
  ['of a key that begins alike', { body: of(5, 'gpu-a100-2') }],
  ['with the marker further down', { body: `quote\n${of(5)}` }],
  ['with text before the marker', { body: `> ${of(5)}` }],
])('a comment %s is not ours', async (_, comment) => {
  const { fake, bodies } = store([comment])
  expect(await putComment(fake, sticky, 'new')).toEqual({ status: 'created' })
  expect(bodies()[0]).toBe(comment.body)
})

test('GitHub may give line ends back as CRLF', async () => {
  const { fake, bodies } = store([{ body: of(5).replace('\n', '\r\n') }])
  expect(await putComment(fake, sticky, 'new')).toEqual({ status: 'updated' })
  expect(bodies()).toHaveLength(1)
})

test.each([
  ['run', { ...sticky, runId: 76 }],
  ['attempt', { ...sticky, runAttempt: 0 }],
])('an older %s does not overwrite a newer one', async (_, older) => {
  const { fake, bodies } = store([{ body: of(77) }])
  expect(await putComment(fake, older, 'stale')).toEqual({ status: 'superseded', byRun: 77 })
  expect(bodies()).toEqual([of(77)])
})

test('duplicates of two jobs that began together are made one', async () => {
  const { fake, bodies } = store([{ body: of(5) }, { author: 'mallory', body: of(5) }, { body: of(6) }])
  expect(await putComment(fake, sticky, 'new')).toEqual({ status: 'updated' })
  expect(bodies()).toEqual([`${commentMarker(sticky)}\nnew`, of(5)])
})

test('a comment is only updated, never made, where that is asked', async () => {
  const empty = store()
  expect(await putComment(empty.fake, sticky, 'new', 'ifThere')).toEqual({ status: 'none' })
  expect(empty.bodies()).toEqual([])
  const there = store([{ body: of(5) }])
  expect(await putComment(there.fake, sticky, 'new', 'ifThere')).toEqual({ status: 'updated' })
  expect(there.bodies()).toEqual([`${commentMarker(sticky)}\nnew`])
})

test('whatever the interleaving, parallel jobs leave one comment: the newest run in the oldest comment', async () => {
  const delays = fc.infiniteStream(fc.integer({ min: 0, max: 1000 }))
  await fc.assert(
    fc.asyncProperty(
      delays,
      fc.boolean(),
      fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 2 }),
      async (wait, there, runs) => {
        const { fake, bodies } = store(there ? [{ author: 'alice', body: 'nice' }, { body: of(0) }] : [])
        const time = virtualTime()
        const slow =
          <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
          async (...args: A): Promise<R> => {
            await time.sleep(wait.next().value ?? 0)
            const result = await call(...args)
            await time.sleep(wait.next().value ?? 0)
            return result
          }
        const gone = Object.assign(new Error('Not Found'), { status: 404 })
        const ids = async () => (await fake.list(7)).map(({ id }) => id)
        const github: CommentStore = {
          login: fake.login,
          list: slow(async (issue) => [...(await fake.list(issue))]),
          create: slow(fake.create),
          update: slow(async (id, body) => {
            if (!(await ids()).includes(id)) throw gone
            await fake.update(id, body)
          }),
          remove: slow(async (id) => {
            if (!(await ids()).includes(id)) throw gone
            await fake.remove(id)
          }),
          // Longer than the longest request, as the real wait is.
          sleep: (durationMs) => time.sleep(durationMs + 2500),
        }
        const jobs = runs.map((runId) => putComment(github, { ...sticky, runId }, `report ${runId}`))
        await time.runUntil(Promise.all(jobs))
        const newest = Math.max(...runs)
        const expected = `${commentMarker({ ...sticky, runId: newest })}\nreport ${newest}`
        expect(bodies().filter((body) => body !== 'nice')).toEqual([expected])
      },
    ),
    { numRuns: 100 },
  )
})

test('a POST whose answer is lost does not make a second comment', async () => {
  const { fake, bodies } = store()
  let asked = 0
  const create: CommentStore['create'] = async (issue, body) => {
    asked++
    await fake.create(issue, body)
    throw Object.assign(new Error('Bad gateway'), { status: 502 })
  }
  expect(await putComment({ ...fake, create }, sticky, 'new')).toEqual({ status: 'updated' })
  expect(asked).toBe(1)
  expect(bodies()).toHaveLength(1)
})

test('a comment that is not listed yet is not made again', async () => {
  const { fake, bodies } = store()
  let lists = 0
  const list: CommentStore['list'] = async (issue) => (++lists < 4 ? [] : fake.list(issue))
  expect(await putComment({ ...fake, list }, sticky, 'new')).toEqual({ status: 'created' })
  expect(bodies()).toHaveLength(1)
})

test('without permission the outcome says what is missing, and nothing is thrown', async () => {
  const { fake } = store()
  const error = Object.assign(new Error('Resource not accessible by integration'), { status: 403 })
  const outcome = await putComment({ ...fake, create: () => Promise.reject(error) }, sticky, 'new')
  expect(outcome).toMatchObject({ status: 'failed', why: expect.stringContaining('pull-requests: write') })
})

test('marker and report together keep within the limit', () => {
  expect(Buffer.byteLength(`${commentMarker(sticky)}\n`) + maxReportBytes(sticky)).toBe(maxCommentBytes)
})
