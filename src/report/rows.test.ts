import { expect, test } from 'vitest'
import {
  failResult,
  firstRunResult,
  gpuMemoryFailResult,
  invalidResult,
  passResult,
} from '../../test/support/result-fixtures.ts'
import {
  best,
  budget,
  c8,
  comparison,
  modelResult,
  result,
  scenario,
} from '../../test/support/result-parts.ts'
import { ignoredKeyWords } from '../domain/ignored-key.ts'
import type { Result } from '../domain/result.ts'
import { reportRows } from './rows.ts'
import type { Table } from './table.ts'

const titles = (table: Table) => table.columns.map(({ title }) => title)
const column = (table: Table, title: string) =>
  table.rows.map((row) => row.cells[titles(table).indexOf(title)]?.text)

test('what failed stands first', () => {
  const { comparisons } = reportRows(failResult())
  expect(comparisons.rows.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 4 }, () => 'fail'),
    ...Array.from({ length: 4 }, () => 'pass'),
  ])
})

test('a stored number stands under Baseline, a re-measured one under Reference', () => {
  const stored = comparison('latencyP99Ns', c8, 40e6, 1, { against: 'baseline', baselineValue: null })
  const { comparisons } = reportRows(result('pass', [modelResult('m', { comparisons: [stored] })]))
  expect(titles(comparisons)).not.toContain('Reference')
  expect(column(comparisons, 'Baseline')).toEqual(['40.0 ms'])
})

test('the same footnote is written once and has one number', () => {
  const note = 'pooled p99 disagrees'
  const comparisons = [1.1, 1.2].map((ratio) =>
    comparison('latencyP99Ns', c8, 40e6, ratio, { footnotes: [note] }),
  )
  const report = reportRows(result('pass', [modelResult('m', { comparisons })]))
  expect(report.footnotes).toEqual([note])
  expect(report.comparisons.rows.map(({ cells }) => cells[0]?.marks)).toEqual([[1], [1]])
})

test('a value that could not be had is "not available" with its reason', () => {
  const report = reportRows(invalidResult())
  expect(column(report.constraints, 'Measured')).toEqual(['not available'])
  expect(report.models[0]?.repetitions.voided).toBe(4)
  const voided = report.models[0]?.repetitions.table
  expect(voided === undefined ? [] : column(voided, 'Voided')).toContain(
    '4: 5.0 % of the requests failed (UNAVAILABLE)',
  )
})

test('GPU memory has a column only where there is a GPU', () => {
  const tableOf = (value: ReturnType<typeof passResult>) => reportRows(value).models[0]?.sweep.table
  const [cpu, gpu] = [tableOf(passResult()), tableOf(gpuMemoryFailResult())]
  expect(cpu && titles(cpu)).not.toContain('Max GPU Memory (MB)')
  expect(gpu && titles(gpu)).toContain('Max GPU Memory (MB)')
})

test('constraints are applied to every measurement of the sweep', () => {
  const sweepAt = (p99Ms: number) =>
    scenario(
      c8,
      { inferPerSec: 300, p99Ms },
      {
        role: 'sweep',
        configuration: { committed: false, instanceCount: p99Ms, maxBatchSize: 8, dynamicBatching: true },
      },
    )
  const failed = { ...sweepAt(3), status: 'failed' as const, error: 'out of memory' }
  const model = modelResult('m', {
    scenarios: [sweepAt(60), sweepAt(61), failed],
    constraints: [budget(c8, 60)],
  })
  const section = reportRows(result('pass', [model])).models[0]
  expect(section && column(section.sweep.table, 'Satisfies constraints')).toEqual(['Yes', 'No', 'No'])
  expect(section?.sweep.notes.join()).toContain('out of memory')
})

test('the gate’s longer measurement stands for a load that the sweep measured too', () => {
  const gate = scenario(c8, { inferPerSec: 300, p99Ms: 40 })
  const swept = scenario(c8, { inferPerSec: 200, p99Ms: 70 }, { role: 'sweep' })
  const section = reportRows(result('pass', [modelResult('m', { scenarios: [swept, gate] })])).models[0]
  expect(section && column(section.sweep.table, 'p99 Latency (ms)')).toEqual(['40.0'])
})

test.each([{ tie: true }, { meetsConstraints: false }])(
  'no configuration is marked best with %j',
  (changes) => {
    const mark = (value: ReturnType<typeof best>) => {
      const swept = scenario(
        c8,
        { inferPerSec: 409, p99Ms: 38 },
        { role: 'sweep', configuration: value.configuration },
      )
      const section = reportRows(result('pass', [modelResult('m', { scenarios: [swept], best: value })]))
        .models[0]
      return section?.sweep.chart.curves.some(({ kind }) => kind === 'best')
    }
    expect(mark(best())).toBe(true)
    expect(mark(best(changes))).toBe(false)
  },
)

test('a part of the time below zero takes no room in its bar', () => {
  const base = scenario(c8, { inferPerSec: 300, p99Ms: 40 })
  const metrics = {
    ...base.metrics,
    networkOverheadNs: { value: -50_000, interval: null, n: 9, unit: 'ns' as const },
  }
  const model = modelResult('m', { scenarios: [{ ...base, metrics }], referenceScenarios: [] })
  const segments = reportRows(result('pass', [model])).models[0]?.breakdown.bars[0]?.segments
  expect(segments?.at(-1)).toEqual({ label: 'network + overhead', ms: 0, text: '−0.0500 ms' })
})

test('a tie keeps the committed configuration', () => {
  const model = modelResult('m', { best: best({ tie: true, gain: 0.01, patch: null }) })
  const section = reportRows(result('pass', [model])).models[0]
  expect(section?.best).toMatchObject({ status: 'pass', patch: null })
  expect(section?.best?.headline).toMatch(/^Nothing measured is better beyond the noise/)
  expect(section?.best?.headline).not.toContain('+1.0 %')
})

test('a best place without numbers is named all the same', () => {
  const models = [modelResult('m', { best: best({ metrics: {}, gain: null }) })]
  expect(reportRows(result('pass', models)).models[0]?.best?.headline).toMatch(/off at concurrency 8$/)
})

test('a gain is told as a factor from twice as good on, and as a share below', () => {
  const headline = (gain: number) =>
    reportRows(result('pass', [modelResult('m', { best: best({ gain }) })])).models[0]?.best?.headline
  expect(headline(8.59)).toContain('(9.6 times as good as the committed configuration)')
  expect(headline(0.19)).toContain('(19.0 % better than the committed configuration)')
})

test('the first run says that a regression cannot be ruled out', () => {
  const report = reportRows(firstRunResult())
  expect(report.summary).toContain('a regression cannot be ruled out')
  expect(report.comparisons.rows).toEqual([])
})

test('the command repeats the same reference and baseline', () => {
  expect(reportRows(passResult()).reproduce[0]?.command).toBe(
    'triton-perf-gate run --triton embedded --models text_recognition,ocr --reference 8b2e4d6f10937c5a2e1d4b6f8091a3c5d7e9fb02 --baseline baseline.json',
  )
})

test('a stand-in percentile is named with why, and what it leaves open is not called broken', () => {
  const standIn = { ...budget(c8, 30), metric: 'latencyP90Ns' as const, standsInFor: 'latencyP99Ns' as const }
  const measured = scenario(c8, { inferPerSec: 20, p99Ms: 30 })
  const reason = 'p99 needs at least 299 requests, there were 40'
  const latencyP99Ns = { value: null, interval: null, n: 40, unit: 'ns' as const, reason }
  const model = modelResult('m', {
    scenarios: [{ ...measured, metrics: { ...measured.metrics, latencyP99Ns } }],
    constraints: [{ ...standIn, status: 'inconclusive' }],
  })
  const report = reportRows(result('inconclusive', [model]))
  expect(report.footnotes).toContain(`p90 latency judged: ${reason}.`)
  expect(report.constraints.rows[0]?.status).toBe('inconclusive')
  expect(report.summary).toMatch(/too few requests to judge 1 of 1 constraint/)
  expect(report.summary).not.toMatch(/noisy|not met/)
})

test('reasons of a model in a row with the same cause and next step say them once', () => {
  const reason = (message: string, rest = {}) => ({ outcome: 'fail' as const, model: 'm', message, ...rest })
  const both = { cause: 'c', next: 'n' }
  const reasons = [
    reason('first', both),
    reason('second', both),
    reason('other cause', { ...both, cause: 'd' }),
    reason('again', both),
    reason('no next', { cause: 'c' }),
    { ...reason('other model', { cause: 'c' }), model: 'o' },
  ]
  const base = result('fail', [])
  const rows = reportRows({ ...base, verdict: { ...base.verdict, reasons } })
  const [first, second, ...others] = rows.reasons
  expect(first).toEqual(reasons[0])
  expect(second).toEqual(reason('second'))
  expect(others).toEqual(reasons.slice(2))
})

test('warnings of the sweep say what they are of, and those alike are told once; a sweep without time says so', () => {
  const swept = (share: number) => {
    const { configuration, ...rest } = scenario(c8, { p99Ms: 40, inferPerSec: 100 })
    const warnings = [`${share} % of the requests were sent late`]
    return {
      ...rest,
      configuration: { ...configuration, committed: false },
      role: 'sweep' as const,
      warnings,
    }
  }
  const search = {
    mode: 'quick' as const,
    measurements: 2,
    stopped: 'the 0.0 s left do not allow the next measurement',
    wallNs: 1e9,
    underLoadNs: 0,
    notes: [],
    answer: null,
  }
  const warningsOf = (scenarios: ReturnType<typeof swept>[], measurements: number) =>
    reportRows(result('pass', [modelResult('m', { scenarios, search: { ...search, measurements } })]))
      .models[0]?.warnings
  expect(warningsOf([swept(13), swept(59), swept(17)], 3)).toEqual([
    expect.stringMatching(
      /^sweep, .*max batch size .* at concurrency 8: 13 % of the requests were sent late; and 2 measurements more like this$/,
    ),
  ])
  expect(warningsOf([], 0)).toEqual([`nothing was swept: ${search.stopped}`])
})

test('a place that the sweep measured again stands in its table once, with its mean, and that is said', () => {
  const swept = (inferPerSec: number) => scenario(c8, { inferPerSec, p99Ms: 40 }, { role: 'sweep' })
  const failed = { ...swept(0), status: 'failed' as const, metrics: {}, error: 'died' }
  const sweepOf = (scenarios: (ReturnType<typeof swept> | typeof failed)[]) =>
    reportRows(result('pass', [modelResult('m', { scenarios, search: null })])).models[0]?.sweep
  const throughputs = (scenarios: Parameters<typeof sweepOf>[0]) => {
    const table = sweepOf(scenarios)?.table
    return table && column(table, 'Throughput (infer/sec)')
  }
  expect(sweepOf([swept(100), swept(110)])?.notes).toEqual([expect.stringContaining('has its mean')])
  expect(throughputs([swept(100), swept(110)])).toEqual(['105'])
  expect(throughputs([swept(100), failed])).toEqual(['failed'])
  expect(sweepOf([swept(100)])?.notes).toEqual([])
})

test('keys of the configuration file that have no effect are one notice', () => {
  const warnings = ['the clocks are not locked']
  const ignoredKeys = [
    { file: 'ma.yml', line: 3, key: 'checkpoint_directory', why: 'use --resume' },
    { file: 'ma.yml', line: 9, key: 'plots', why: 'there is a report' },
  ]
  const noticesOf = (more: Partial<Result>) =>
    reportRows({ ...result('pass', []), warnings, ...more }).notices
  expect(noticesOf({ ignoredKeys })).toEqual([
    ...warnings,
    'ma.yml: 2 keys have no effect here: checkpoint_directory, plots. The command check-config says why.',
  ])
  expect(noticesOf({ ignoredKeys: ignoredKeys.slice(0, 1) })).toEqual([
    ...warnings,
    'ma.yml:3: checkpoint_directory: no effect: use --resume.',
  ])
  // As older versions have them: warnings like any other.
  const older = ignoredKeys.map(ignoredKeyWords)
  expect(noticesOf({ warnings: older })).toEqual(older)
})

test('an interval that spans powers of ten is not written out', () => {
  const held = { ...budget(c8, 44), interval: [10, 2e16] as [number, number] }
  const cells = reportRows(result('pass', [modelResult('m', { constraints: [held] })])).constraints.rows[0]
    ?.cells
  expect(cells?.at(-1)?.text).toBe('too wide to tell')
})

test('of a capacity that too few requests were sent for nothing is said to hold or to break', () => {
  const row = {
    of: 'candidate' as const,
    configuration: best().configuration,
    inferPerSec: null,
    latencyP99Ns: null,
    load: null,
    servers: null,
    gpus: null,
  }
  const capacityOf = (brokenAt: typeof c8 | null) =>
    reportRows(
      result('pass', [
        modelResult('m', { capacity: { demandInferPerSec: null, rows: [{ ...row, brokenAt }] } }),
      ]),
    ).capacity
  const [known, open] = [capacityOf(c8), capacityOf(null)]
  expect(column(known.table, 'Capacity (infer/s)')).toEqual(['none'])
  expect(known.sentences[0]?.text).toContain('No load that was measured holds the limits')
  expect(column(open.table, 'Capacity (infer/s)')).toEqual(['not known'])
  expect(open.table.columns.map(({ title }) => title)).not.toContain('Too much at')
  expect(open.sentences[0]?.text).toContain('is not known')
})
