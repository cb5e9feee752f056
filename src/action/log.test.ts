import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inertLog, inertText } from './log.ts'

/** As the runner reads its steps' output: .NET ends a line at CR, LF and CRLF; v1 commands may stand anywhere. */
const obeyed = (text: string) =>
  text.split(/\r\n|\r|\n/).some((line) => line.trimStart().startsWith('::') || line.includes('##['))

test('commands in the output of a model are shown, not obeyed', () => {
  expect(inertLog('loading\n  ::add-mask::e\r::error::x\n##[command]rm', 'fence')).toBe(
    '::stop-commands::fence\nloading\n|   ::add-mask::e\n| ::error::x\n## [command]rm\n::fence::',
  )
})

test('the fence cannot be guessed', () => {
  const fences = Array.from({ length: 3 }, () => inertLog('::x').split('\n')[0])
  expect(new Set(fences).size).toBe(3)
})

test('no text whatever reaches the runner as a command, and harmless text stays as it is', () => {
  const piece = fc.constantFrom(
    '::',
    '##[',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '\u2028',
    '\u00a0',
    '#',
    ':',
    '[',
    'error',
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 20 }).map((parts) => parts.join('')),
    fc.string(),
  )
  fc.assert(
    fc.property(text, (any) => {
      const shown = inertLog(any)
      const fenced = /^::stop-commands::([\w-]{36})\n([\s\S]*)\n::\1::$/.exec(shown)
      // Also without the fence, which a kill may leave open.
      expect(obeyed(fenced?.[2] ?? shown)).toBe(false)
      expect(fenced !== null || !obeyed(any)).toBe(true)
      if (!obeyed(any) && !/[\r\u2028\u2029]/.test(any)) expect(shown).toBe(any)
    }),
    { numRuns: 500 },
  )
})

test('control characters before a command do not hide it', () => {
  expect(inertText('\u0085::set-output name=verdict::pass')).toBe('| \u0085::set-output name=verdict::pass')
})
