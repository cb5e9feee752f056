import type { Trend, TrendOfSeries } from '../domain/result.ts'
import { markdownTableOf } from './markdown-parts.ts'
import { stepLegend, trendSection, trendTable } from './trend-rows.ts'

/** Every series of a history with the steps in its level, as Markdown; what has crept is named first. */
export function renderHistory(
  series: readonly TrendOfSeries[],
  trend: Trend | null,
  since: string | null,
): string {
  const found = trend === null ? null : trendSection({ trend })
  const summary = found?.summary ?? 'No series has enough runs yet to show a trend.'
  const isSaid = summary.endsWith(stepLegend) || series.every(({ shifts }) => shifts.length === 0)
  return `${[summary, markdownTableOf(trendTable(series, since)), isSaid ? '' : stepLegend].filter((text) => text !== '').join('\n\n')}\n`
}
