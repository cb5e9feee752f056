import { expect, test } from 'vitest'
import {
  c8,
  comparison,
  failResult,
  hostileNames,
  hostileResult,
  inconclusiveResult,
  invalidResult,
  manyModelsResult,
  modelResult,
  passResult,
  result,
} from '../../test/support/result-fixtures.ts'
import type { Result } from '../domain/result.ts'
import { renderMarkdown } from './markdown.ts'

const all: [string, Result][] = [
  ['pass', passResult()],
  ['fail', failResult()],
  ['inconclusive', inconclusiveResult()],
  ['invalid', invalidResult()],
]

test.each(all)('the first line of a %s says so', (outcome, value) => {
  const [first = ''] = renderMarkdown(value).split('\n')
  expect(first).toMatch(new RegExp(`^## \\S+ Performance gate: ${outcome}$`))
})

/** Cells of each row of each table, split as GFM does: at pipes that no backslash precedes. */
function tables(markdown: string): number[][] {
  return markdown
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .map((block) => block.split('\n').map((line) => line.split(/(?<!\\)\|/).length))
}

test('hostile names break neither tables nor structure', () => {
  const markdown = renderMarkdown(hostileResult())
  const shapes = tables(markdown)
  expect(shapes.length).toBeGreaterThan(3 * hostileNames.length)
  for (const rows of shapes) expect(new Set(rows).size).toBe(1)
  // Inside a fence nothing is live; that nothing closes it early is a test of markdownFence.
  const outside = markdown.replace(/^(`{3,})diff\n[\s\S]*?\n\1$/gm, '')
  expect(outside).not.toMatch(/^```/m)
  expect(outside.match(/^## /gm)).toHaveLength(1)
  expect(outside.match(/<details>/g)).toHaveLength(outside.match(/<\/details>/g)?.length ?? -1)
  // A shell line is for copying: a commit that is no commit id must not get into it.
  expect(markdown).toContain(' `triton-perf-gate run --triton embedded`\n')
})

test('under a budget details go first, and what went is said', () => {
  const full = renderMarkdown(failResult())
  const less = renderMarkdown(failResult(), { maxBytes: Buffer.byteLength(full) - 1 })
  expect(full).not.toContain('Left out')
  expect(less).toContain('Left out for lack of space: sweep measurements.')
  expect(less).not.toContain('Model Config Name')
})

test('every failing row stays while there is anything else to drop', () => {
  const markdown = renderMarkdown(manyModelsResult(), { maxBytes: 4_000 })
  expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(4_000)
  expect(markdown.match(/\| ❌ fail \|/g)).toHaveLength(3)
  expect(markdown).toContain('✅ 151 comparisons passed')
})

test('with more failing rows than fit, the rest is counted', () => {
  const failing = Array.from({ length: 300 }, (_, index) =>
    modelResult(`model_${index}`, {
      comparisons: [comparison('latencyP99Ns', c8, 45e6, 1.5, { status: 'fail' })],
    }),
  )
  const value = result('fail', failing)
  const markdown = renderMarkdown(value, { maxBytes: 10_000 })
  expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(10_000)
  const shown = markdown.match(/\| ❌ fail \|/g)?.length ?? 0
  expect(shown).toBeGreaterThan(30)
  expect(markdown).toContain(`… and ${300 - shown} more comparisons that did not pass.`)
})

test('a name with backticks in its patch cannot close the fence', () => {
  const markdown = renderMarkdown(hostileResult())
  expect(markdown).toMatch(/^````diff$/m)
})

test('the measured side is called as asked', () => {
  expect(renderMarkdown(passResult(), { candidateLabel: 'Release 2.0' })).toContain('| Release 2.0 |')
})
