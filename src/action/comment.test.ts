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
  }
  return { fake, bodies: () => comments.map(({ body }) => body) }
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

test('without permission the outcome says what is missing, and nothing is thrown', async () => {
  const { fake } = store()
  const error = Object.assign(new Error('Resource not accessible by integration'), { status: 403 })
  const outcome = await putComment({ ...fake, create: () => Promise.reject(error) }, sticky, 'new')
  expect(outcome).toMatchObject({ status: 'failed', why: expect.stringContaining('pull-requests: write') })
})

test('marker and report together keep within the limit', () => {
  expect(Buffer.byteLength(`${commentMarker(sticky)}\n`) + maxReportBytes(sticky)).toBe(maxCommentBytes)
})
