import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanText } from './escape.ts'
import { shellFlag, shellWord } from './shell-word.ts'

/** The words that a real shell makes of a line. */
function wordsOf(line: string): string[] {
  // `-u` and an empty environment: whatever is expanded is another word or an error.
  const output = execFileSync('/bin/sh', ['-uc', `printf '%s\\0' ${line}`], { cwd: '/', env: {} })
  return output.toString().split('\0').slice(0, -1)
}

const hard = [
  'my models/a b',
  "it's",
  "'",
  "''",
  '"',
  '\\',
  '$HOME',
  '$(id)',
  '`id`',
  '*',
  '~',
  '~root',
  'a~b',
  '=x',
  'a=b',
  '#x',
  'a;b',
  'a&b|c>d<e',
  '{a,b}',
  '[a-z]',
  '!x',
  '',
  'é ü',
  '-x',
]

test('a shell reads each word back as it was', () => {
  expect(wordsOf(hard.map(shellWord).join(' '))).toEqual(hard)
})

test('whatever a report can show', () => {
  const showable = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(...'\'"\\$`!*?~#&;|<>(){}[]= \n\t-'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    })
    .filter((text) => cleanText(text, Number.POSITIVE_INFINITY) === text)
  // One shell for many words.
  fc.assert(
    fc.property(fc.array(showable, { minLength: 50, maxLength: 50 }), (words) => {
      expect(wordsOf(words.map(shellWord).join(' '))).toEqual(words)
    }),
    { numRuns: 20 },
  )
})

test.each(['a\nb', 'a\tb', 'a  b', ' a', 'a\u0000', 'a\u202eb', 'a\u00a0b', '\ud800'])(
  '%j is left out',
  (text) => {
    expect(shellWord(text)).toBeNull()
    expect(shellFlag(`--config ${text}`)).toBeNull()
  },
)

test.each([
  ['--release', '--release'],
  ['--time-budget 60s', '--time-budget 60s'],
  ['--config my gate.yml', "--config 'my gate.yml'"],
  ['--config -x.yml', '--config=-x.yml'],
  ['--config - x.yml', "--config='- x.yml'"],
  ['--config ', "--config ''"],
  ['--config $(id)', "--config '$(id)'"],
  ['; id', null],
  ['--a;id', null],
  ['--A b', null],
  ['-- b', null],
])('the flag %j', (flag, line) => {
  expect(shellFlag(flag)).toBe(line)
})
