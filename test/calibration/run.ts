// npm run calibrate [-- REPORTS]: simulates reports, judges them with the real comparison, and writes docs/statistics.md.
// npm run calibrate -- --attribution [RUNS]: gates models with planted causes instead, on a real server.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { calibrateAttribution } from './attribution.ts'
import { readRuns, withAttribution } from './attribution-section.ts'
import { statisticsDocument } from './document.ts'
import { openResults } from './results.ts'

const root = join(import.meta.dirname, '../..')
const path = join(root, 'docs/statistics.md')
const isAttribution = process.argv[2] === '--attribution'
const count = Number(process.argv[isAttribution ? 3 : 2] ?? (isAttribution ? 12 : 10_000))
if (!Number.isSafeInteger(count) || count < 1) {
  console.error('usage: npm run calibrate -- REPORTS (an integer from 1 on; default 10000)')
  console.error('       npm run calibrate -- --attribution RUNS (default 12, a minute each)')
  process.exit(2)
}
if (isAttribution) await calibrateAttribution(root, count)
else writeFileSync(path, withAttribution(statisticsDocument(openResults(), count), readRuns(root)))
console.log(`wrote ${path}`)
