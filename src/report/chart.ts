import type { BreakdownBar } from './breakdown-rows.ts'
import { segmentLabels } from './breakdown-rows.ts'
import { type Box, firstFree, linearScale, logScale, type Scale } from './chart-scale.ts'
import { escapeHtml } from './escape.ts'
import type { DotPlot } from './repetition-rows.ts'
import type { Curve, CurveChart, CurveKind } from './sweep-rows.ts'

// Charts as SVG text. Colours and fonts come from the page's style sheet by class, so that they follow its
// light or dark theme; a `<title>` in each mark gives the exact numbers on hover.

/** Beyond this span a linear axis would press the small values onto the axis. */
const logBeyondRatio = 30

/** Width of a character at the charts' 12 px, a little more than the average of common fonts. */
const characterWidth = 6.6
const labelHeight = 15

/** Width of the wide charts; the page scales them to its own. */
const chartWidth = 880

const area: Box = { x: 52, y: 30, width: 800, height: 320 }

/** Drawn in this order, so that what matters lies on top. */
const kindOrder: readonly CurveKind[] = ['other', 'reference', 'best', 'committed']

/** p99 latency over throughput, one line per configuration over its loads. Empty where nothing was measured. */
export function curveChart({ curves, budget }: CurveChart): string {
  const points = curves.flatMap((curve) => curve.points)
  if (points.length === 0) return ''
  const highest = Math.max(...points.map(({ p99Ms }) => p99Ms))
  const lowest = Math.min(...points.map(({ p99Ms }) => p99Ms))
  // A budget far above everything measured would flatten the curves; the table of constraints has it too.
  const shownBudget = budget !== null && budget.p99Ms <= 2.5 * highest ? budget : null
  const top = Math.max(highest, shownBudget?.p99Ms ?? 0)
  const bottom = area.y + area.height
  const y =
    top / lowest > logBeyondRatio
      ? logScale([lowest, top], [bottom, area.y])
      : linearScale([0, top], [bottom, area.y], 5)
  const x = linearScale(
    [0, Math.max(...points.map(({ inferPerSec }) => inferPerSec))],
    [area.x, area.x + area.width],
    7,
  )
  const ordered = curves.toSorted((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind))
  return svg(chartWidth, 398, 'wide', 'p99 latency over throughput', [
    axes(x, y, bottom),
    shownBudget === null ? '' : budgetLine(y.at(shownBudget.p99Ms), shownBudget.text),
    ...ordered.map((curve) => curveMarks(curve, x, y)),
    ...loadLabels(
      ordered,
      x,
      y,
      shownBudget === null ? [] : budgetBoxes(y.at(shownBudget.p99Ms), shownBudget.text),
    ),
  ])
}

function axes(x: Scale, y: Scale, bottom: number): string {
  const right = area.x + area.width
  const columns = x.ticks.map(
    (tick) =>
      `<text class="tick" x="${px(x.at(tick))}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`,
  )
  return [
    ...horizontalGrid(y, area),
    ...columns,
    `<line class="axis" x1="${area.x}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="axis-title" x="${area.x - 40}" y="14">p99 latency (ms)</text>`,
    `<text class="axis-title" x="${right}" y="${bottom + 40}" text-anchor="end">throughput (infer/s)</text>`,
  ].join('')
}

function budgetLine(y: number, text: string): string {
  const right = area.x + area.width
  return (
    `<line class="budget" x1="${area.x}" x2="${right}" y1="${px(y)}" y2="${px(y)}"/>` +
    `<text class="budget-label" x="${area.x + 6}" y="${px(y - 5)}">${escapeHtml(text)}</text>`
  )
}

/** What labels of points must not cover: the budget's line and its own label. */
function budgetBoxes(y: number, text: string): Box[] {
  return [
    { x: area.x, y: y - 2, width: area.width, height: 4 },
    { x: area.x + 6, y: y - 5 - labelHeight, width: text.length * characterWidth, height: labelHeight },
  ]
}

function curveMarks(curve: Curve, x: Scale, y: Scale): string {
  const path = curve.points.map(({ inferPerSec, p99Ms }) => `${px(x.at(inferPerSec))},${px(y.at(p99Ms))}`)
  const marks = curve.points.map((point) => {
    const cx = px(x.at(point.inferPerSec))
    const cy = px(y.at(point.p99Ms))
    const title = `<title>${escapeHtml(point.text)}</title>`
    return point.best
      ? `<path class="star" d="${star(Number(cx), Number(cy))}">${title}</path>`
      : `<circle class="dot" cx="${cx}" cy="${cy}" r="${curve.kind === 'other' ? 3 : 4.5}">${title}</circle>`
  })
  return `<g class="curve ${curve.kind}"><polyline points="${path.join(' ')}"/>${marks.join('')}</g>`
}

/** The load beside each point of the emphasised curves, wherever there is room for it. */
function loadLabels(curves: readonly Curve[], x: Scale, y: Scale, taken: readonly Box[]): string[] {
  const placed: Box[] = [...taken, ...curves.flatMap((curve) => inkBoxes(curve, x, y))]
  const labelled = curves.filter(({ kind }) => kind !== 'other').toReversed()
  return labelled.flatMap((curve) =>
    curve.points.flatMap((point) => {
      const text = shortLoad(point.load)
      const [cx, cy] = [x.at(point.inferPerSec), y.at(point.p99Ms)]
      const width = text.length * characterWidth
      const at = (left: number, top: number): Box => ({ x: left, y: top, width, height: labelHeight })
      const candidates = [
        at(cx + 8, cy - labelHeight / 2),
        at(cx - width / 2, cy + 6),
        at(cx - width - 8, cy - labelHeight / 2),
        at(cx - width / 2, cy - labelHeight - 6),
        at(cx + 8, cy + 2),
        at(cx - width - 8, cy - labelHeight - 2),
      ]
      const free = firstFree(candidates, placed, { ...area, width: area.width + 20 })
      if (free === null) return []
      placed.push(free)
      return [
        `<text class="point-label ${curve.kind}" x="${px(free.x)}" y="${px(free.y + 12)}">${escapeHtml(text)}</text>`,
      ]
    }),
  )
}

/** The points of a curve and, for those that stand out, its line in steps: what a label must not cover. */
function inkBoxes(curve: Curve, x: Scale, y: Scale): Box[] {
  const pixels = curve.points.map(({ inferPerSec, p99Ms }) => ({ x: x.at(inferPerSec), y: y.at(p99Ms) }))
  const around = (at: { x: number; y: number }, size: number): Box => ({
    x: at.x - size / 2,
    y: at.y - size / 2,
    width: size,
    height: size,
  })
  const dots = pixels.map((pixel) => around(pixel, 8))
  if (curve.kind === 'other') return dots
  const line = pixels.slice(1).flatMap((to, index) => {
    const from = pixels[index] ?? to
    const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 5)
    return Array.from({ length: steps }, (_, step) =>
      around(
        { x: from.x + ((to.x - from.x) * step) / steps, y: from.y + ((to.y - from.y) * step) / steps },
        3,
      ),
    )
  })
  return [...dots, ...line]
}

/** `concurrency 8` → `c8`; anything else as it is. */
function shortLoad(load: string): string {
  return load.replace(/^concurrency (\d+)/, 'c$1')
}

const barArea = { x: 190, y: 8, width: 610 }
const barHeight = 22

/** Stacked horizontal bars: an average request, by where it spends its time. */
export function breakdownChart(bars: readonly BreakdownBar[]): string {
  const total = (bar: BreakdownBar) => bar.segments.reduce((sum, { ms }) => sum + ms, 0)
  const longest = Math.max(0, ...bars.map(total))
  if (longest === 0) return ''
  const x = linearScale([0, longest], [barArea.x, barArea.x + barArea.width], 5)
  let y = barArea.y
  const rows = bars.map((bar, index) => {
    if (index > 0 && bars[index - 1]?.load !== bar.load) y += 12
    const row = barRow(bar, x, y, bars[index - 1]?.load !== bar.load)
    y += barHeight + 6
    return row
  })
  const grid = x.ticks.map(
    (tick) =>
      `<line class="grid" x1="${px(x.at(tick))}" x2="${px(x.at(tick))}" y1="${barArea.y - 4}" y2="${y}"/>` +
      `<text class="tick" x="${px(x.at(tick))}" y="${y + 16}" text-anchor="middle">${tick}</text>`,
  )
  const title = `<text class="axis-title" x="${barArea.x + barArea.width}" y="${y + 36}" text-anchor="end">average request (ms)</text>`
  return svg(chartWidth, y + 44, 'wide', 'where the time of an average request goes', [
    ...grid,
    title,
    ...rows,
  ])
}

function barRow(bar: BreakdownBar, x: Scale, y: number, withLoad: boolean): string {
  let sum = 0
  const segments = bar.segments.map(({ label, ms, text }) => {
    const [from, to] = [x.at(sum), x.at(sum + ms)]
    sum += ms
    // A gap of one pixel tells segments apart without relying on colour.
    const width = Math.max(0, to - from - 1)
    return `<rect class="segment s${segmentLabels.indexOf(label)}" x="${px(from)}" y="${y}" width="${px(width)}" height="${barHeight}"><title>${escapeHtml(`${label}: ${text}`)}</title></rect>`
  })
  const baseline = y + barHeight / 2 + 4
  return [
    withLoad ? `<text class="tick strong" x="0" y="${baseline}">${escapeHtml(bar.load, 15)}</text>` : '',
    `<text class="tick" x="${barArea.x - 8}" y="${baseline}" text-anchor="end">${escapeHtml(bar.side, 12)}</text>`,
    ...segments,
    `<text class="tick value" x="${px(x.at(sum) + 6)}" y="${baseline}">${escapeHtml(bar.totalText)}</text>`,
  ].join('')
}

/** One dot per repetition, a row per side: how far the sides are apart against how far each one spreads. */
export function dotPlot(plot: DotPlot): string {
  const values = plot.sides.flatMap(({ dots }) => dots.map(({ value }) => value))
  if (values.length === 0) return ''
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // A twentieth of air on each side, or of the value where all are equal, so that dots do not sit on the frame.
  const air = (high - low || high) / 20
  const x = linearScale([Math.max(0, low - air), high + air], [84, 336], 4)
  const bottom = 14 + plot.sides.length * 24
  const grid = x.ticks.map(
    (tick) =>
      `<line class="grid" x1="${px(x.at(tick))}" x2="${px(x.at(tick))}" y1="6" y2="${bottom}"/>` +
      `<text class="tick" x="${px(x.at(tick))}" y="${bottom + 15}" text-anchor="middle">${tick}</text>`,
  )
  const rows = plot.sides.map(({ label, candidate, dots }, index) => {
    const y = 22 + index * 24
    const marks = dots.map(
      ({ value, text, void: isVoid }) =>
        `<circle class="rep ${candidate ? 'committed' : 'reference'}${isVoid ? ' void' : ''}" cx="${px(x.at(value))}" cy="${y}" r="4.5"><title>${escapeHtml(text)}</title></circle>`,
    )
    return `<text class="tick" x="74" y="${y + 4}" text-anchor="end">${escapeHtml(label, 12)}</text>${marks.join('')}`
  })
  return svg(352, bottom + 22, 'small', plot.title, [...grid, ...rows])
}

/** A line across the area at each tick, with its number to the left. */
export function horizontalGrid(y: Scale, { x, width }: Box): string[] {
  return y.ticks.map(
    (tick) =>
      `<line class="grid" x1="${x}" x2="${x + width}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/>` +
      `<text class="tick" x="${x - 8}" y="${px(y.at(tick) + 4)}" text-anchor="end">${tick}</text>`,
  )
}

export function svg(
  width: number,
  height: number,
  size: 'wide' | 'small' | 'fitted',
  label: string,
  parts: readonly string[],
): string {
  return `<svg class="${size}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg>`
}

function star(cx: number, cy: number): string {
  const corners = Array.from({ length: 10 }, (_, index) => {
    const radius = index % 2 === 0 ? 9 : 4
    const angle = (index * Math.PI) / 5 - Math.PI / 2
    return `${px(cx + radius * Math.cos(angle))},${px(cy + radius * Math.sin(angle))}`
  })
  return `M${corners.join('L')}Z`
}

/** A coordinate with one decimal: finer is not seen, and shorter files diff better. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}
