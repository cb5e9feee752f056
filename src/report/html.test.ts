import { expect, test } from 'vitest'
import {
  failResult,
  firstRunResult,
  gpuMemoryFailResult,
  hostileResult,
  invalidResult,
  manyModelsResult,
  passResult,
} from '../../test/support/result-fixtures.ts'
import type { Result } from '../domain/result.ts'
import { renderHtml } from './html.ts'

const all: [string, Result][] = [
  ['pass', passResult()],
  ['fail', failResult()],
  ['invalid', invalidResult()],
  ['first run', firstRunResult()],
  ['GPU', gpuMemoryFailResult()],
  ['hostile', hostileResult()],
  ['many models', manyModelsResult()],
]

/** Tags that are opened and not closed, or closed and not opened. HTML's void elements and SVG's `/>` are fine. */
function unbalanced(html: string): string[] {
  const open: string[] = []
  for (const [, close, name = '', selfClosed] of html.matchAll(
    /<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/?)>/g,
  )) {
    if (selfClosed === '/' || name === 'meta') continue
    if (close === '') open.push(name)
    else if (open.pop() !== name) return [name]
  }
  return open
}

test.each(all)('the page of %s is well-formed, loads nothing and runs nothing', (_, result) => {
  const html = renderHtml(result)
  expect(unbalanced(html)).toEqual([])
  expect(html).toContain("default-src 'none'")
  expect(html).not.toMatch(/<(script|link|img|iframe|object|base|form)\b/)
  expect(html).not.toMatch(/<[^>]*\s(src|style|on\w+)\s*=/)
  expect(html).not.toMatch(/url\(|@import|NaN|Infinity|undefined/)
  for (const [, target = ''] of html.matchAll(/href="([^"]*)"/g)) {
    expect(html).toContain(`id="${target.slice(1)}"`)
  }
})

test('the charts show the best point, the budget and the voided repetition', () => {
  const html = renderHtml(failResult())
  expect(html.match(/class="star"/g)).toHaveLength(2)
  expect(html).toContain('budget 60.0 ms')
  expect(html).toContain('class="curve reference"')
  expect(html).toMatch(/repetition 5: [\d.]+ ms \(void\)/)
})

test('a budget far above the measurements does not flatten the chart', () => {
  expect(renderHtml(gpuMemoryFailResult())).not.toContain('class="budget"')
})
