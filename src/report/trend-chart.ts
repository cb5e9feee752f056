import { horizontalGrid, px, svg } from './chart.ts'
import { type Box, linearScale } from './chart-scale.ts'
import { escapeHtml } from './escape.ts'
import type { TrendChart } from './trend-rows.ts'

/** Two fit beside each other on a page, and one on a telephone, where it is made smaller by a fifth. */
const width = 500
const area: Box = { x: 56, y: 28, width: 432, height: 150 }
const bottom = area.y + area.height

/** More dots than this touch each other: they are drawn smaller. */
const crowded = 80

/** One series over its runs as SVG: a dot for each run, a line for each level. */
export function trendChart({ title, unit, points, levels, ends: [oldest, newest] }: TrendChart): string {
  const values = points.map(({ value }) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // A tenth of air on each side, or of the value where all are equal.
  const air = (high - low || high) / 10
  const y = linearScale([Math.max(0, low - air), high + air], [bottom, area.y], 4)
  const right = area.x + area.width
  const x = (index: number) => area.x + ((index + 0.5) / points.length) * area.width
  const radius = points.length > crowded ? 1.75 : 3
  const dots = points.map(
    ({ value, text }, index) =>
      `<circle class="rep reference" cx="${px(x(index))}" cy="${px(y.at(value))}" r="${radius}"><title>${escapeHtml(text)}</title></circle>`,
  )
  const lines = levels.map(({ start, end, value, text }) => {
    const at = px(y.at(value))
    return `<g class="curve committed"><title>${escapeHtml(text)}</title><polyline points="${px(x(start - 0.5))},${at} ${px(x(end - 0.5))},${at}"/></g>`
  })
  const label = `${title}: ${points.length} runs, from ${oldest} to ${newest}, at levels of ${levels.map(({ text }) => text).join(', then ')}`
  const below = (at: number, anchor: string, text: string) =>
    `<text class="tick" x="${at}" y="${bottom + 18}" text-anchor="${anchor}">${escapeHtml(text)}</text>`
  return svg(width, bottom + 26, 'fitted', label, [
    ...horizontalGrid(y, area),
    `<line class="axis" x1="${area.x}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="axis-title" x="${area.x - 8}" y="14" text-anchor="end">${escapeHtml(unit)}</text>`,
    below(area.x, 'start', oldest),
    below(right, 'end', newest),
    ...dots,
    ...lines,
  ])
}
