import { expect, test } from 'vitest'
import { maxCommentBytes } from './comment.ts'
import { errorReport } from './summary.ts'

test('an error is shown as it is, in a fence that it cannot close', () => {
  const report = errorReport('error: bad\n````\n# passed', 'https://github.com/o/r/actions/runs/1')
  expect(report).toContain('### Performance gate: invalid')
  expect(report).toContain('`````text\nerror: bad\n````\n# passed\n`````')
})

test('a long one still fits a comment', () => {
  const report = errorReport('€'.repeat(100_000), 'https://github.com/o/r/actions/runs/1')
  expect(Buffer.byteLength(report)).toBeLessThan(maxCommentBytes - 200)
  expect(report).toContain('€\n…')
})
