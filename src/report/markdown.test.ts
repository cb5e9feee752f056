import { expect, test } from 'vitest'
import {
  failResult,
  hostileNames,
  hostileResult,
  inconclusiveResult,
  invalidResult,
  manyModelsResult,
  passResult,
  trendResult,
} from '../../test/support/result-fixtures.ts'
import { c8, comparison, modelResult, result } from '../../test/support/result-parts.ts'
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
  expect(markdown).toContain(' `triton-perf-gate run --triton embedded --baseline baseline.json`\n')
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

/** As much as a comment may have: GitHub takes 65,536 characters. */
const commentBytes = 60_000

/** Everything that grows with the models at once, in texts that grow when they are escaped. */
function crowdedResult(count: number): Result {
  const hostile = '@a#1|<'.repeat(30)
  const models = Array.from({ length: count }, (_, index) =>
    modelResult(`model_${index}`, {
      warnings: [`${hostile} ${index}`],
      comparisons: [
        comparison('latencyP99Ns', c8, 45e6, index % 10 === 3 ? 1.5 : 1.1, {
          status: index % 10 === 3 ? 'fail' : 'accepted',
          footnotes: [`accepted up to 15 % (${hostile} ${index}; until 2026-12-31)`],
        }),
      ],
    }),
  )
  const { trend } = trendResult()
  const [series] = trend?.crept ?? []
  if (trend === undefined || series === undefined) throw new Error('the fixture has no trend')
  const crept = models.slice(0, 50).map(({ name }) => ({ ...series, model: `${name}${hostile}` }))
  return {
    ...result('fail', models),
    loosened: models.map(({ name }) => `accepts up to 15 % worse p99 latency of ${name} (${hostile})`),
    trend: { ...trend, crept },
    warnings: models.map(({ name }) => `${name}: ${hostile}`),
  }
}

test.each([10, 60, 600])(
  'with %i models of everything, the failing rows and the cut are in the comment',
  (count) => {
    const markdown = renderMarkdown(crowdedResult(count), { maxBytes: commentBytes })
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(commentBytes)
    const failing = Math.ceil((count - 3) / 10)
    const shown = markdown.match(/\| ❌ fail/g)?.length ?? 0
    expect(shown).toBeGreaterThanOrEqual(Math.min(failing, 16))
    if (shown < failing)
      expect(markdown).toContain(`… and ${failing - shown} more comparisons that did not pass`)
    expect(markdown).toContain('Candidate loosens the gate: accepts up to 15 % worse')
    // Every mark that is left has its footnote, and no footnote is there for nothing.
    const text = markdown.replace(/`[^`\n]*`/g, '')
    const marks = new Set(text.match(/(?<=\| [^\n]*(?:fail|accepted) )[⁰¹²³⁴⁵⁶⁷⁸⁹]+/gu))
    const notes = new Set(text.match(/^[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?= )/gmu))
    expect(notes).toEqual(marks)
  },
  // Hundreds of models take seconds on a busy machine.
  60_000,
)

test('what is loosened is read to its end, however long it is', () => {
  const loosened = Array.from({ length: 40 }, (_, index) => `limit ${index} ${'of a model '.repeat(5)}→ none`)
  const notes = renderMarkdown({ ...passResult(), loosened })
    .split('\n')
    .filter((line) => line.startsWith('> **Note:** Candidate'))
  expect(notes.length).toBeGreaterThan(1)
  for (const clause of loosened) expect(notes.join('\n')).toContain(`${clause.trim()}`)
})

test('what cannot be cut any further is a verdict and where to look', () => {
  const note = '@'.repeat(1000)
  const row = comparison('latencyP99Ns', c8, 45e6, 1.5, {
    status: 'fail',
    footnotes: Array.from({ length: 50 }, (_, index) => `${index} ${note}`),
  })
  const markdown = renderMarkdown(result('fail', [modelResult('m', { comparisons: [row] })]), {
    maxBytes: commentBytes,
  })
  expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(commentBytes)
  expect(markdown).toMatch(/^## ❌ Performance gate: fail\n/)
  expect(markdown).toContain('see the HTML report')
})

test('a name with backticks in its patch cannot close the fence', () => {
  const markdown = renderMarkdown(hostileResult())
  expect(markdown).toMatch(/^````diff$/m)
})

test('the measured side is called as asked', () => {
  expect(renderMarkdown(passResult(), { candidateLabel: 'Release 2.0' })).toContain('| Release 2.0 |')
})
