import { minHistoryPoints } from '../../src/compare/series.ts'
import type { ResultsFile } from './results.ts'
import { type BaselineScene, simulateBaseline } from './simulation.ts'
import { withoutDetectable } from './tally.ts'
import { kinds, percent, shares, table } from './words.ts'

/** A stored baseline alone: unchanged reports that fail, and what becomes of a large change. */
export function againstBaseline(results: ResultsFile, reports: number): string {
  const rows = [1, minHistoryPoints, 30, 100].flatMap((points) =>
    kinds.map((noise) => {
      const unchanged: BaselineScene = { noise, models: 15, sd: 0.05, worse: 0 }
      const changed: BaselineScene = { ...unchanged, models: 2, worse: Math.log(1.4) }
      const run = (scene: BaselineScene) =>
        results.tally(`baseline of ${points}: ${JSON.stringify(scene)}`, reports, (count, seed) =>
          withoutDetectable(simulateBaseline(scene, points, count, seed)),
        )
      const { falseFails } = run(unchanged)
      return [String(points), noise, percent(falseFails, reports), ...shares(run(changed))]
    }),
  )
  const header = [
    'earlier runs',
    'noise',
    'unchanged reports that fail',
    '+40 %: pass',
    'inconclusive',
    'fail',
  ]
  return table(header, rows)
}
