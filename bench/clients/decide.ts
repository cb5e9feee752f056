// Reads what was measured and a baseline, as `compare` does, and judges: MEASUREMENTS BASELINE → one line of JSON.
import { matchBaseline, openBaseline } from '../../src/baseline/find.ts'
import { readDataFile } from '../../src/cli/data-file.ts'
import { measurementsSchema } from '../../src/domain/measurements.ts'
import { judge } from '../../src/judge.ts'
import { makeConfig } from '../../test/support/make-measurements.ts'

const [measured = '', stored = ''] = process.argv.slice(2)
const startMs = performance.now()
const programBytes = process.memoryUsage.rss()
const opened = await openBaseline({ status: 'file', path: stored, source: stored })
const measurements = await readDataFile(measured, measurementsSchema, 'measurements')
const { status, baseline } = matchBaseline(opened, measurements.environment)
const readMs = performance.now()
const config = makeConfig({ loads: measurements.models[0]?.scenarios.map(({ load }) => load) ?? [] })
const { verdict, models } = judge({ measurements, baseline, baselineStatus: status, config, mode: 'gate' })
const judgedMs = performance.now()
const comparisons = models.flatMap((model) => model.comparisons).filter(({ primary }) => primary)
console.log(
  JSON.stringify({
    outcome: verdict.outcome,
    against: comparisons[0]?.against ?? null,
    comparisons: comparisons.length,
    history: baseline?.history.length ?? 0,
    readSeconds: (readMs - startMs) / 1000,
    judgeSeconds: (judgedMs - readMs) / 1000,
    programBytes,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
)
