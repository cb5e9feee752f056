/**
 * A mermaid `xychart-beta` as far as the gate draws it: the lines in their order, quoted labels without anything that
 * ends a string, decimals without a sign or an exponent, as many values as labels. Stricter than mermaid's own parser,
 * which needs 116 packages, 200 MB and a browser's DOM: 2,000 charts of random loads and numbers were given to mermaid
 * 10.6.0, the first with this chart, and to 12.3.0 by hand, and both took them all.
 */
export interface Chart {
  readonly labels: readonly string[]
  /** The upper end of the y axis. */
  readonly highest: number
  readonly bar: readonly number[]
  readonly line: readonly number[] | null
}

const label = '"[\\w .,:/-]+"'
const decimal = '\\d+\\.\\d{3}'
const listOf = (item: string) => `\\[(${item}(?:, ${item})*)\\]`
const shape = new RegExp(
  [
    '^xychart-beta',
    '  title "[\\w .,:/()-]+"',
    `  x-axis ${listOf(label)}`,
    `  y-axis "ms" 0 --> (${decimal})`,
    `  bar ${listOf(decimal)}(?:`,
    `  line ${listOf(decimal)})?$`,
  ].join('\n'),
)

/** @throws Error where mermaid might not read it */
export function parseChart(source: string): Chart {
  const [match, labels = '', highest = '', bar = '', line] = shape.exec(source) ?? []
  const numbers = (list: string) => list.split(', ').map(Number)
  const chart = {
    labels: labels.slice(1, -1).split('", "'),
    highest: Number(highest),
    bar: numbers(bar),
    line: line === undefined ? null : numbers(line),
  }
  const lengths = new Set([chart.labels, chart.bar, chart.line ?? chart.bar].map(({ length }) => length))
  if (match === undefined || lengths.size > 1)
    throw new Error(`not a chart that mermaid surely reads:\n${source}`)
  return chart
}
