/** Longest name or message that is shown; the rest is cut, and the cut is shown. */
const maxLength = 300

/** Shown for what has no shape of its own: control characters, bidirectional overrides, lone surrogates. */
const replacement = '\uFFFD'

/** Rendered as nothing; breaks up what GitHub would link after Markdown is rendered. Written out so that it is seen in the source. */
const breaker = '&#8203;'

/**
 * Text on one line without anything that could reorder, hide or break it: white space becomes one space,
 * control and format characters (bidi overrides, zero-width ones) become U+FFFD, the length is capped.
 */
export function cleanText(text: string, cap = maxLength): string {
  const line = text
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, replacement)
    .trim()
  const characters = Array.from(line)
  return characters.length <= cap ? line : `${characters.slice(0, cap - 1).join('')}…`
}

/**
 * Foreign text as GitHub-flavoured Markdown that shows just that text, in a table cell, a list item or a
 * sentence (never as the first thing on a line, where `-` and `1.` have a meaning of their own).
 *
 * A backslash is not enough for mentions, issue references, autolinks and emoji, which GitHub finds in the
 * rendered text: those get a zero-width character inside. `_` between letters cannot emphasise, and a
 * parenthesis means something only right after `]`; both stay readable elsewhere, since the command line
 * prints the same text unrendered.
 */
export function escapeMarkdown(text: string, cap = maxLength): string {
  const escaped = cleanText(text, cap)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`|[\]*~]/g, '\\$&')
    .replace(/(?<=\])[()]/g, '\\$&')
    .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
  return breakLinks(escaped)
}

/** Foreign text inside a raw HTML element of a Markdown document, such as `<summary>`. */
export function escapeMarkdownHtml(text: string): string {
  return breakLinks(escapeHtml(text))
}

/** Mentions, issue references, autolinks, emoji and formulas, which GitHub finds in the text of any element. */
function breakLinks(escaped: string): string {
  return escaped
    .replace(/\$/g, '&#36;')
    .replace(/@/g, `@${breaker}`)
    .replace(/(?<!&)#/g, `#${breaker}`)
    .replace(/:(?=\/\/|[\w+-]*[a-z_][\w+-]*:|[+-]1:)/gi, `:${breaker}`)
    .replace(/(?<![a-z0-9])(?:www(?=\.)|gh(?=-\d))/gi, `$&${breaker}`)
}

/**
 * A name as inline code where that is safe everywhere, a table included; escaped text where it holds
 * anything unusual.
 */
export function markdownCode(text: string): string {
  return /^[\w.,:;=/+-]+$/.test(text) && text.length <= maxLength ? `\`${text}\`` : escapeMarkdown(text)
}

/** Any text as inline code, outside of tables: delimiters that nothing inside can close (CommonMark 6.1). */
export function markdownCodeSpan(text: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  const mark = '`'.repeat(longest + 1)
  const shown = cleanText(text, Number.POSITIVE_INFINITY)
  return longest === 0 ? `${mark}${shown}${mark}` : `${mark} ${shown} ${mark}`
}

/** `text` as a fenced block with a fence that nothing inside can close. */
export function markdownFence(text: string, language: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}${language}\n${cleanBlock(text)}\n${fence}`
}

/** Several lines, each without control and bidi characters; tabs stay. */
function cleanBlock(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, replacement)
    .replace(/\n+$/, '')
}

/** Foreign text for HTML and SVG, as content or in a quoted attribute. */
export function escapeHtml(text: string, cap = maxLength): string {
  return escapeHtmlCharacters(cleanText(text, cap))
}

/** Several lines of foreign text for a `<pre>`. */
export function escapeHtmlBlock(text: string): string {
  return escapeHtmlCharacters(cleanBlock(text))
}

function escapeHtmlCharacters(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;')
}
