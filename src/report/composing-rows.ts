import { type ComposingModel, partPerRequestNs, serverParts, timePerRequestNs } from '../domain/composing.ts'
import { loadLabel } from '../domain/load.ts'
import { type MetricName, metrics } from '../domain/metric.ts'
import { changeInWords } from '../domain/words.ts'
import { nsPerMs } from '../domain/world.ts'
import type { BreakdownBar } from './breakdown-rows.ts'
import { formatMetric, formatMs, formatNumber } from './format.ts'
import type { Side } from './sides.ts'
import { type Cell, cell } from './table.ts'

/** A composing model on one side under one load. */
export interface ComposingSide {
  readonly load: string
  readonly side: string
  readonly composing: ComposingModel
  /** Of its time per request, candidate / reference; null on the reference's own line or where one side has none. */
  readonly changeRatio: number | null
}

/** What only composing models have. The columns go where a model needs no other. */
export const composingColumns: readonly string[] = ['Requests per request', 'Time per request', 'Change']

/** The composing models of one load: the sides of each side by side, in the order in which they are asked. */
export function composingSides(sides: readonly Side[]): readonly ComposingSide[] {
  const candidateFirst = sides.toSorted((a, b) => Number(b.candidate) - Number(a.candidate))
  const names = new Set(
    candidateFirst.flatMap(({ scenario }) => (scenario.composing ?? []).map(({ model }) => model)),
  )
  return [...names].flatMap((name) => {
    const of = ({ scenario }: Side) => scenario.composing?.find(({ model }) => model === name)
    const reference = sides.filter(({ candidate }) => !candidate).flatMap((side) => of(side) ?? [])[0]
    return sides.flatMap((side): ComposingSide[] => {
      const composing = of(side)
      if (composing === undefined) return []
      const changeRatio = side.candidate && reference !== undefined ? changeOf(reference, composing) : null
      return [{ load: loadLabel(side.scenario.load), side: side.label, composing, changeRatio }]
    })
  })
}

function changeOf(reference: ComposingModel, candidate: ComposingModel): number | null {
  const [before, after] = [timePerRequestNs(reference), timePerRequestNs(candidate)]
  return before === null || after === null || before === 0 ? null : after / before
}

/** The cells under `composingColumns`. */
export function composingCells({ composing, changeRatio }: ComposingSide): readonly Cell[] {
  const { requestsPerRequest } = composing
  const time = timePerRequestNs(composing)
  return [
    cell(requestsPerRequest === null ? null : formatNumber(requestsPerRequest)),
    cell(time === null ? null : formatMs(time)),
    cell(changeRatio === null ? null : changeInWords(changeRatio)),
  ]
}

/** A composing model's own value of a metric, a dash for those that only the measured model has. */
export function composingMetricCell({ composing }: ComposingSide, name: MetricName): Cell {
  if (name === 'executedBatchSize') return formatted(name, composing.executedBatchSize)
  const part = serverParts.find((each) => each === name)
  return part === undefined ? cell(null) : formatted(part, composing[part])
}

function formatted(name: MetricName, value: number | null): Cell {
  return cell(value === null ? null : formatMetric(name, value))
}

/** What a composing model takes of one request of the measured model, under its own name. */
export function composingBar({ side, composing }: ComposingSide): readonly BreakdownBar[] {
  const total = timePerRequestNs(composing)
  if (total === null) return []
  const segments = serverParts.map((part) => {
    const ns = partPerRequestNs(composing, part) ?? 0
    return { label: metrics[part].label, ms: ns / nsPerMs, text: formatMetric(part, ns) }
  })
  return [{ load: composing.model, side, segments, totalText: formatMs(total) }]
}
