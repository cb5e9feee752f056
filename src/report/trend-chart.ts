import { area, chartWidth, px, svg } from './chart.ts'
import { linearScale } from './chart-scale.ts'
import { escapeHtml } from './escape.ts'
import type { TrendChart } from './trend-rows.ts'

const height = 160
const bottom = area.y + height

/** One series over its runs as SVG: a dot for each run, a line for each level. */
export function trendChart({ title, unit, points, levels }: TrendChart): string {
  const values = points.map(({ value }) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // A tenth of air on each side, or of the value where all are equal.
  const air = (high - low || high) / 10
  const y = linearScale([Math.max(0, low - air), high + air], [bottom, area.y], 4)
  const right = area.x + area.width
  const x = (index: number) => area.x + ((index + 0.5) / points.length) * area.width
  const grid = y.ticks.map(
    (tick) =>
      `<line class="grid" x1="${area.x}" x2="${right}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/>` +
      `<text class="tick" x="${area.x - 8}" y="${px(y.at(tick) + 4)}" text-anchor="end">${tick}</text>`,
  )
  const dots = points.map(
    ({ value, text }, index) =>
      `<circle class="rep reference" cx="${px(x(index))}" cy="${px(y.at(value))}" r="3"><title>${escapeHtml(text)}</title></circle>`,
  )
  const lines = levels.map(({ start, end, value }) => {
    const at = px(y.at(value))
    return `<g class="curve committed"><polyline points="${px(x(start - 0.5))},${at} ${px(x(end - 0.5))},${at}"/></g>`
  })
  return svg(chartWidth, bottom + 40, 'wide', title, [
    ...grid,
    `<line class="axis" x1="${area.x}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="axis-title" x="${area.x - 40}" y="14">${escapeHtml(unit)}</text>`,
    `<text class="axis-title" x="${right}" y="${bottom + 26}" text-anchor="end">runs of the main branch, the newest on the right</text>`,
    ...dots,
    ...lines,
  ])
}
