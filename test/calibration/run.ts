// npm run calibrate [-- REPORTS]: simulates reports, judges them with the real comparison, and writes docs/statistics.md.
// npm run calibrate -- --real [--unchanged N] [--slower N]: lets the gate decide on a real server, a minute or two each.
// npm run calibrate -- --attribution [RUNS]: gates models with planted causes instead, on a real server.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { calibrateAttribution } from './attribution.ts'
import { readRuns, withAttribution } from './attribution-section.ts'
import { statisticsDocument } from './document.ts'
import { decideForReal, realDecisions } from './real.ts'
import { openResults } from './results.ts'

const root = join(import.meta.dirname, '../..')
const path = join(root, 'docs/statistics.md')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    attribution: { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
    unchanged: { type: 'string', default: '32' },
    slower: { type: 'string', default: '10' },
  },
})
const count = Number(positionals[0] ?? (values.attribution ? 12 : 10_000))
const [unchanged, slower] = [Number(values.unchanged), Number(values.slower)]
const counted = [count, unchanged, slower].every((number) => Number.isSafeInteger(number) && number >= 0)
if (!counted || count === 0 || positionals.length > 1) {
  console.error('usage: npm run calibrate -- REPORTS (an integer from 1 on; default 10000)')
  console.error('       npm run calibrate -- --real [--unchanged N] [--slower N] (default 32 and 10)')
  console.error('       npm run calibrate -- --attribution RUNS (default 12, a minute each)')
  process.exit(2)
}
if (values.attribution) await calibrateAttribution(root, count)
else if (values.real) await decideForReal({ unchanged, slower })
else {
  const document = statisticsDocument(
    { reference: openResults('reference'), baseline: openResults('baseline') },
    realDecisions(),
    count,
  )
  writeFileSync(path, withAttribution(document, readRuns(root)))
  console.log(`wrote ${path}`)
}
