import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Result, resultSchema } from '../../src/domain/result.ts'
import { renderCsv } from '../../src/report/csv.ts'
import { renderHtml } from '../../src/report/html.ts'
import { renderMarkdown } from '../../src/report/markdown.ts'
import { concurrentResult } from '../support/concurrent-result.ts'
import {
  acceptedResult,
  decoupledResult,
  ensembleResult,
  failResult,
  firstRunResult,
  gpuMemoryFailResult,
  hostileResult,
  inconclusiveResult,
  invalidResult,
  manyModelsResult,
  passedOverResult,
  passResult,
  steadyTrendResult,
  trendResult,
} from '../support/result-fixtures.ts'

const comment = { maxBytes: 60_000 }

/** Whole reports: a change of any word or number shows in the diff of a file under test/golden. */
const goldens: Record<string, { readonly result: Result; readonly render: (result: Result) => string }> = {
  'pass.golden.md': { result: passResult(), render: renderMarkdown },
  'accepted.golden.md': { result: acceptedResult(), render: renderMarkdown },
  'fail.golden.md': { result: failResult(), render: renderMarkdown },
  'inconclusive.golden.md': { result: inconclusiveResult(), render: renderMarkdown },
  'invalid.golden.md': { result: invalidResult(), render: renderMarkdown },
  'first-run.golden.md': { result: firstRunResult(), render: renderMarkdown },
  'gpu-memory.golden.md': { result: gpuMemoryFailResult(), render: renderMarkdown },
  'hostile.golden.md': { result: hostileResult(), render: renderMarkdown },
  'ensemble.golden.md': { result: ensembleResult(), render: renderMarkdown },
  'ensemble.golden.html': { result: ensembleResult(), render: renderHtml },
  'decoupled.golden.md': { result: decoupledResult(), render: renderMarkdown },
  'many-models.golden.md': {
    result: manyModelsResult(),
    render: (result) => renderMarkdown(result, comment),
  },
  'summary.golden.md': {
    result: passResult(),
    render: (result) => renderMarkdown(result, { charts: true, candidateLabel: 'This PR' }),
  },
  'passed-over.golden.md': { result: passedOverResult(), render: renderMarkdown },
  'concurrent.golden.md': { result: concurrentResult(), render: renderMarkdown },
  'concurrent.golden.csv': { result: concurrentResult(), render: renderCsv },
  'measurements.golden.csv': { result: passResult(), render: renderCsv },
  'trend.golden.md': { result: trendResult(), render: renderMarkdown },
  'trend-summary.golden.md': {
    result: trendResult(),
    render: (result) => renderMarkdown(result, { charts: true }),
  },
  'trend.golden.html': { result: trendResult(), render: renderHtml },
  'trend-steady.golden.md': { result: steadyTrendResult(), render: renderMarkdown },
  'fail.golden.html': { result: failResult(), render: renderHtml },
  'hostile.golden.html': { result: hostileResult(), render: renderHtml },
  'first-run.golden.html': { result: firstRunResult(), render: renderHtml },
}

test.each(Object.entries(goldens))('%s', (name, { result, render }) => {
  // A fixture that is no valid result.json would prove nothing about real ones.
  expect(resultSchema.parse(result)).toEqual(result)
  const path = join(import.meta.dirname, name)
  const actual = render(result)
  if (process.env.UPDATE_GOLDENS === '1') writeFileSync(path, actual)
  expect(actual).toBe(readFileSync(path, 'utf8'))
})
