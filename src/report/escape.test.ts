import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cleanText,
  escapeHtml,
  escapeHtmlBlock,
  escapeMarkdown,
  escapeMarkdownHtml,
  markdownCode,
  markdownFence,
} from './escape.ts'

/** Text that is mostly made of what has a meaning to Markdown, HTML or GitHub. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...Array.from('\\`|[]()<>&@#*_~$:!-+.\n\r\t"\'/')),
      fc.constantFrom(
        '<!--',
        '-->',
        '```',
        'http://a.b',
        'www.x.y',
        'GH-1',
        'a',
        '1',
        '\u202E',
        '\u0000',
        '\uD800',
      ),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

/** What a reader sees: escapes and entities undone, the way CommonMark does. */
function shown(markdown: string): string {
  return markdown
    .replace(/\\([\\`|[\]()*_~])/g, '$1')
    .replace(/&#8203;/g, '')
    .replace(/&#36;/g, '$')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

test('escaped Markdown shows the text itself, on one line', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = escapeMarkdown(text)
      expect(shown(escaped)).toBe(cleanText(text))
      expect(escaped).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
  )
})

test('escaped Markdown holds no live syntax', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = escapeMarkdown(text)
      // Something stands there still: without it `:~http:` would look like an emoji.
      const live = escaped.replace(/\\[\\`|[\]()*_~]/g, '·')
      expect(live).not.toMatch(/[`|[\]*~\\<>$]/)
      expect(live).not.toMatch(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/)
      expect(live).not.toMatch(/@(?!&#8203;)|(?<!&)#(?!&#8203;)/)
      expect(live).not.toMatch(/:\/\/|\bwww\.|:[a-z][\w+-]*:/i)
      expect(live).not.toMatch(/&(?!amp;|lt;|gt;|#8203;|#36;)/)
    }),
  )
})

test('ordinary sentences stay readable', () => {
  const sentence = 'p99 of text_recognition rose from 9.4 to 26 ms (+175 %, tolerated +5 %).'
  expect(escapeMarkdown(sentence)).toBe(sentence)
})

test.each([
  ['@octocat', '@&#8203;octocat'],
  ['_www.x.y', '\\_www&#8203;.x.y'],
  ['#12', '#&#8203;12'],
  ['gh-12', 'gh&#8203;-12'],
  ['https://x', 'https:&#8203;//x'],
  [':+1:', ':&#8203;+1:'],
  ['[a](b)', '\\[a\\]\\(b)'],
  ['<!-- x -->', '&lt;!-- x --&gt;'],
  ['a\nb\u202Ec', 'a b\uFFFDc'],
  ['_a_b_', '\\_a_b\\_'],
])('%j becomes %j', (text, escaped) => {
  expect(escapeMarkdown(text)).toBe(escaped)
})

test('names are code only where nothing in them could end it', () => {
  expect(markdownCode('text_recognition')).toBe('`text_recognition`')
  fc.assert(
    fc.property(hostile, (text) => {
      const code = markdownCode(text)
      if (code.startsWith('`')) expect(code.slice(1, -1)).toMatch(/^[\w.,:;=/+-]+$/)
      else expect(code).toBe(escapeMarkdown(text))
    }),
  )
})

test('a fence is longer than any run of backticks inside', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const [fence = '', ...lines] = markdownFence(text, '').split('\n')
      expect(fence).toMatch(/^`{3,}$/)
      expect(lines.pop()).toBe(fence)
      expect(lines.join('\n')).not.toContain(fence)
    }),
  )
})

test('escaped HTML holds no markup, in an attribute or outside', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const escaped of [escapeHtml(text), escapeHtmlBlock(text), escapeMarkdownHtml(text)]) {
        expect(escaped).not.toMatch(/[<>"']/)
        expect(escaped).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;|#8203;|#36;)/)
      }
    }),
  )
})

test('a raw element in Markdown mentions nobody', () => {
  expect(escapeMarkdownHtml("@octocat's #1")).toBe('@&#8203;octocat&#39;s #&#8203;1')
})

test('long text is cut by characters, and the cut is seen', () => {
  expect(cleanText('é'.repeat(400))).toBe(`${'é'.repeat(299)}…`)
  expect(Array.from(cleanText('🚀'.repeat(400), 10))).toHaveLength(10)
})
