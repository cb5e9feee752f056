import { expect, test } from 'vitest'
import { failResult, invalidResult, trendResult } from '../../test/support/result-fixtures.ts'
import { type Result, resultSchema } from '../domain/result.ts'
import { renderCsv } from './csv.ts'
import { renderHtml } from './html.ts'
import { renderMarkdown } from './markdown.ts'

/** What somebody who may name things would name them. */
const payloads = [
  'a|b|✅ pass|0 %',
  'a\n| ✅ pass | b | c |',
  'x\n\n## ✅ Performance gate: pass\n\n',
  'x\r\n# heading',
  '<!-- triton-perf-gate:default run=9999999999.1 -->',
  '--> <!-- triton-perf-gate:default run=1.1 -->',
  '</details></details><details open>',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<a href="javascript:alert(1)">x</a>',
  '"><b>bold</b>',
  "' onmouseover='alert(1)",
  '&lt;b&gt; &#60;b&#62; &amp;',
  '[click](https://evil.example)',
  '![x](https://evil.example/x.png)',
  '[x]: https://evil.example',
  '<https://evil.example>',
  'https://evil.example www.evil.example evil@evil.example',
  '@octocat @github/security-team',
  'fixes #1, GH-1, octocat/repo#1, closes https://github.com/o/r/issues/1',
  ':white_check_mark: :+1:',
  '`code` ``` fence ```',
  '```suggestion\nrm -rf /\n```',
  '```mermaid\ngraph TD\n```',
  '$\\href{https://evil.example}{x}$ $$x$$',
  '__b__ **b** *i* ~~s~~ ==m==',
  '> [!CAUTION]\n> quote',
  '- [x] task\n1. list\n---',
  '\u202Egnp.ssap\u2066 \u200B\uFEFF\u00AD',
  '\u0000\u0007\u001B[31m\u009B31m',
  '\uD800 lone \uDFFF',
  '::error::x\n::add-mask::e\n##[error]x',
  '=HYPERLINK("https://evil.example")',
  "+1+cmd|' /C calc'!A0",
  '../../etc/passwd',
  '$(rm -rf /) `rm -rf /` ; rm -rf / #',
  '%0A::error::x %2E%2E',
  '{{ secrets.TOKEN }}',
  'x'.repeat(10_000),
]

type Place = (text: string) => Result
const base = failResult()
const [first, ...rest] = base.models
if (first === undefined) throw new Error('the fixture has no model')
const withModel = (change: Partial<typeof first>): Result => ({
  ...base,
  models: [{ ...first, ...change }, ...rest],
})

/** Where foreign text gets into a report. */
const places: Record<string, Place> = {
  'a model': (name) => withModel({ name }),
  'a warning of a model': (text) => withModel({ warnings: [text] }),
  'an error of a model': (message) => withModel({ status: 'failed', error: { message, hint: message } }),
  'a footnote': (text) =>
    withModel({ comparisons: first.comparisons.map((each) => ({ ...each, footnotes: [text] })) }),
  'the best configuration': (text) =>
    withModel({ best: first.best === null ? null : { ...first.best, explanation: text, patch: text } }),
  'a reason': (message) => ({
    ...base,
    verdict: { ...base.verdict, reasons: [{ outcome: 'fail', model: message, message, next: message }] },
  }),
  'a warning of the run': (text) => ({ ...base, warnings: [text] }),
  'what is loosened': (text) => ({ ...base, loosened: [text, text] }),
  'what is accepted': (text) =>
    withModel({
      comparisons: first.comparisons.map((each) => ({
        ...each,
        status: 'accepted' as const,
        footnotes: [`accepted up to 15 % (${text})`],
      })),
    }),
  'a series of the trend': (text) => ({ ...base, ...crept({ model: text, load: text }, text) }),
  'the cause of a regression': (text) =>
    withModel({
      attribution: {
        changes: {
          fields: [{ model: text, field: text, before: text, after: text }],
          files: [{ path: text, change: 'added' }],
          moreFiles: 0,
        },
        cause: 'config',
        sentences: [text],
        origin: first.attribution?.origin ?? [],
        fields: first.attribution?.fields ?? [],
      },
    }),
  'a field of a configuration': (text) => {
    const fields = { [text]: { [text]: [text] }, optimization: { [text]: text } }
    return withModel({
      scenarios: first.scenarios.map((each) =>
        each.role === 'sweep' ? { ...each, configuration: { ...each.configuration, fields } } : each,
      ),
      best:
        first.best === null
          ? null
          : { ...first.best, configuration: { ...first.best.configuration, fields } },
    })
  },
  'a baseline': (text) => ({
    ...base,
    baseline: { status: 'untrusted', source: text, why: text, next: text, passedOver: [text, text] },
  }),
  'the command that measured': (text) => ({
    ...base,
    baseline: { status: 'found', source: text, file: text, commit: null, createdAt: '' },
    invocation: {
      command: 'run',
      mode: 'gate',
      flags: [text, `--config ${text}`],
      output: text,
      policies: [text],
    },
  }),
  'the reference': (description) => ({ ...base, reference: { description, commit: description } }),
  'the machine': (text) => ({
    ...base,
    commit: text,
    environment: {
      ...base.environment,
      triton: { ...base.environment.triton, version: text, source: text },
      gpuUnavailable: text,
      host: { ...base.environment.host, cpuModel: text, runnerClass: text, os: text },
    },
  }),
}

function crept(
  change: { readonly model: string; readonly load: string },
  text: string,
): Pick<Result, 'trend'> {
  const { trend } = trendResult()
  const [series] = trend?.crept ?? []
  if (trend === undefined || series === undefined) throw new Error('the fixture has no trend')
  const run = { commit: text, createdAt: text }
  const shifts = series.shifts.map((each) => ({ ...each, lastBefore: run, firstAfter: run }))
  const points = series.points.map((each) => ({ ...each, ...run }))
  return { trend: { ...trend, since: text, until: run, crept: [{ ...series, ...change, shifts, points }] } }
}

const cases = Object.entries(places).flatMap(([place, make]) =>
  payloads.map((payload) => [place, payload, make] as const),
)

test('there are enough of them', () => {
  expect(cases.length).toBeGreaterThanOrEqual(200)
})

/** Without what is shown as code, where nothing has a meaning. */
function live(markdown: string): string {
  return markdown
    .replace(/^(`{3,})[^`\n]*\n[\s\S]*?^\1$/gm, 'FENCED')
    .replace(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, 'CODE')
}

function tables(markdown: string): string[][] {
  const found: string[][] = []
  let open: string[] | null = null
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) open = null
    else if (open !== null) open.push(line)
    else {
      open = [line]
      found.push(open)
    }
  }
  return found
}

const pipes = (line: string) => (line.match(/(?<!\\)\|/g) ?? []).length
const headings = (markdown: string) => markdown.match(/^#{1,6} /gm)?.length
const htmlTags = (html: string) =>
  new Set(Array.from(html.matchAll(/<([a-z!][\w-]*)/gi), ([, name = '']) => name.toLowerCase()))
/** What the page itself is made of; a patch and a failed model add none of their own. */
const knownTags = htmlTags(
  [base, invalidResult(), { ...base, ...crept({ model: 'm', load: 'concurrency=1' }, 'c') }]
    .map((each) => renderHtml(each))
    .join(''),
)
/** The headings of each place where it holds nothing of note. */
const usualHeadings = Object.fromEntries(
  Object.entries(places).map(([place, make]) => [
    place,
    headings(live(renderMarkdown(make('text'), { charts: true }))),
  ]),
)

test.each(cases)('in the name of %s: %j', (place, payload, make) => {
  const hostile = resultSchema.parse(make(payload))
  const markdown = renderMarkdown(hostile, { charts: true, maxBytes: 900_000 })
  expect(markdown.split('\n', 1)[0]).toBe('## ❌ Performance gate: fail')
  const text = live(markdown)
  expect(text).not.toContain('<!--')
  const tags = new Set(Array.from(text.matchAll(/<\/?\s*([a-z][\w-]*)/gi), ([, name]) => name))
  expect([...tags].filter((name) => !['details', 'summary', 'code', 'sub'].includes(name ?? ''))).toEqual([])
  expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length)
  // In a line that begins as HTML nothing is read as Markdown.
  expect(text.replace(/^<details>.*$/gm, '')).not.toMatch(/\]\(|\]\[|^\s*\[[^\]]*\]:/m)
  expect(text).not.toMatch(/@(?!&#8203;)/)
  expect(text).not.toMatch(/https?:\/\/|www\./i)
  expect(text).not.toMatch(/(?<![&\\])#\d/)
  expect(markdown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u)
  for (const rows of tables(text)) expect(new Set(rows.map(pipes)).size).toBe(1)
  expect(headings(text)).toBe(usualHeadings[place])
  const [command = ''] = /To reproduce: .*$/m.exec(markdown) ?? ['']
  // What a shell makes of its own words is a matter of reproduce-rows.test.ts.
  if (place !== 'the command that measured')
    expect(command).toMatch(
      /`triton-perf-gate run --triton embedded(?: --models [\w.,-]+)?(?: --reference [0-9a-f]+)?(?: --baseline baseline\.json)?`$/,
    )

  const html = renderHtml(hostile)
  expect([...htmlTags(html)].filter((name) => !knownTags.has(name))).toEqual([])
  expect(html).not.toMatch(/['"] onmouseover/)
  for (const line of renderCsv(hostile).split('\r\n')) expect(line).not.toMatch(/(^|,)"?[=+@]/)
})
