import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsDiff, isTakenAsIs, suggestionBlock, suggestionsOf, withoutClashes } from './suggest.ts'

const patchOf = (before: string, after: string) =>
  createTwoFilesPatch('a/f', 'b/f', before, after, undefined, undefined, {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  })
const text = (...lines: string[]) => `${lines.join('\n')}\n`

test('a changed value replaces its line', () => {
  const [suggestion] = suggestionsOf(
    patchOf(text('a', 'count: 1', 'c'), text('a', 'count: 2', 'c')),
    () => 'p',
  )
  expect(suggestion).toEqual({
    path: 'p',
    startLine: 2,
    endLine: 2,
    before: ['count: 1'],
    after: ['count: 2'],
  })
})

test('an insertion replaces the line before it, or after it at the very top', () => {
  const [below] = suggestionsOf(patchOf(text('a', 'b'), text('a', 'b', 'new')), () => 'p')
  expect(below).toMatchObject({ startLine: 2, endLine: 2, before: ['b'], after: ['b', 'new'] })
  const [top] = suggestionsOf(patchOf(text('a', 'b'), text('new', 'a', 'b')), () => 'p')
  expect(top).toMatchObject({ startLine: 1, endLine: 1, before: ['a'], after: ['new', 'a'] })
})

test('a patch of several models has suggestions for each file', () => {
  const of = (model: string) =>
    createTwoFilesPatch(
      `a/models/${model}/config.pbtxt`,
      `b/models/${model}/config.pbtxt`,
      text('a', 'count: 1', 'c'),
      text('a', 'count: 2', 'c'),
      undefined,
      undefined,
      { context: 3, headerOptions: FILE_HEADERS_ONLY },
    )
  const both = suggestionsOf(of('first') + of('second'), (model) => `here/${model}`)
  expect(both.map(({ path }) => path)).toEqual(['here/first', 'here/second'])
  expect(both.every(({ startLine }) => startLine === 2)).toBe(true)
})

test('of two models that change the same file only the first has its suggestions, the other none at all', () => {
  const at = (path: string) => ({ path, startLine: 2, endLine: 2, before: ['a'], after: ['b'] })
  const { kept, said } = withoutClashes([
    { name: 'ocr', suggestions: [at('step'), at('ocr')] },
    { name: 'pages', suggestions: [at('pages'), at('step')] },
    { name: 'apart', suggestions: [at('pages')] },
  ])
  expect(kept.map(({ path }) => path)).toEqual(['step', 'ocr', 'pages'])
  expect(said).toEqual([
    'no suggestion for pages: it changes step, as that for ocr does; take that one, and measure again',
  ])
})

test('applied to the file, the suggestions give the patched file', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', 'x: 1'), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const suggestions = suggestionsOf(patchOf(text(...before), text(...after)), () => 'p')
      const result: string[] = [...before]
      for (const { startLine, endLine, before: old, after: replacement } of suggestions.toReversed()) {
        expect(result.slice(startLine - 1, endLine)).toEqual(old)
        result.splice(startLine - 1, endLine - startLine + 1, ...replacement)
      }
      expect(result).toEqual(after)
    }),
    { numRuns: 300 },
  )
})

test('it stands only on lines that the diff shows, and that read the same there', () => {
  const suggestion = { path: 'p', startLine: 11, endLine: 12, before: ['b', 'c'], after: ['B'] }
  expect(fitsDiff(suggestion, '@@ -8,3 +10,4 @@\n a\n+b\n c\n d')).toBe(true)
  expect(fitsDiff(suggestion, '@@ -8,2 +10,4 @@\n a\n+b\n+x\n d')).toBe(false)
  expect(fitsDiff(suggestion, '@@ -8,1 +10,2 @@\n a\n+b')).toBe(false)
  expect(fitsDiff(suggestion, '@@ -8,2 +20,3 @@\n+b\n c\n d')).toBe(false)
  expect(fitsDiff(suggestion, undefined)).toBe(false)
  // Cut short by GitHub, as of a very large file.
  expect(fitsDiff(suggestion, '@@ -8,9 +10,9 @@\n a\n+b')).toBe(false)
})

test('a click gives just what is proposed: lines taken away leave none, and what would be cleaned is not proposed', () => {
  expect(suggestionBlock({ after: [] })).toBe('```suggestion\n```')
  expect(suggestionBlock({ after: ['a', '', '```'] })).toBe('````suggestion\na\n\n```\n````')
  for (const after of [[], ['a'], ['\ta', '', 'b'], ['```']]) expect(isTakenAsIs({ after })).toBe(true)
  for (const after of [[''], ['a', ''], ['# \u{1F469}\u200D\u{1F527}'], ['a\r'], ['# \u202Ea']])
    expect(isTakenAsIs({ after })).toBe(false)
})
