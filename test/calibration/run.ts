// npm run calibrate [-- REPORTS]: simulates reports, judges them with the real comparison, and writes docs/statistics.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { statisticsDocument } from './document.ts'
import { openResults } from './results.ts'

const reports = Number(process.argv[2] ?? 10_000)
if (!Number.isSafeInteger(reports) || reports < 1) {
  console.error('usage: npm run calibrate -- REPORTS (an integer from 1 on; default 10000)')
  process.exit(2)
}
const path = join(import.meta.dirname, '../../docs/statistics.md')
writeFileSync(path, statisticsDocument(openResults(), reports))
console.log(`wrote ${path}`)
