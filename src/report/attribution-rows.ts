import type { AttributedChange, CausePart } from '../domain/attribution.ts'
import { partPerRequestNs, serverParts } from '../domain/composing.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import type { Comparison, ModelResult } from '../domain/result.ts'
import { changeInWords, withMinus } from '../domain/words.ts'
import { formatChangeInterval, formatMs, formatPercent } from './format.ts'
import { type Side, sidesByLoad } from './sides.ts'
import { type Table, type TableRow, withoutEmptyColumns } from './table.ts'

/** Why a model got worse: sentences for everybody, the first says it all, and the numbers behind them. */
export interface AttributionSection {
  readonly sentences: readonly string[]
  readonly table: Table
}

export function attributionSection(model: ModelResult, candidateLabel: string): AttributionSection | null {
  const { attribution } = model
  if (attribution === undefined) return null
  return {
    sentences: [...attribution.sentences, ...movedParts(model, candidateLabel)],
    table: withoutEmptyColumns({
      columns: [
        { title: 'Load', numeric: false },
        { title: 'Metric', numeric: false },
        { title: 'Cause', numeric: false },
        { title: 'What it changes (95 % interval)', numeric: true },
        { title: 'Share of the change (95 % interval)', numeric: true },
        { title: 'Repetitions', numeric: true },
      ],
      rows: [...attribution.origin, ...attribution.fields].flatMap((change) => changeRows(model, change)),
    }),
  }
}

/** Beside a failing row, as short as can be: `config.pbtxt: 48 of 53 %`. Null where there is nothing to say. */
export function shortCause({ attribution }: ModelResult, row: Comparison): string | null {
  if (attribution === undefined || row.status !== 'fail') return null
  const own = attribution.origin.find(
    ({ metric, load }) => metric === row.metric && loadKey(load) === loadKey(row.load),
  )
  const [largest] = (own?.parts ?? [])
    .filter(({ part }) => part !== 'interaction')
    .toSorted((a, b) => b.share - a.share)
  if (own !== undefined && largest !== undefined) {
    const percent = Math.abs(own.changeRatio - 1)
    return `${labels[largest.part]}: ${points(largest.share * percent)} of ${points(percent)} %`
  }
  switch (attribution.cause) {
    case 'config':
    case 'code':
      return labels[attribution.cause]
    default:
      return null
  }
}

const labels: Readonly<Record<CausePart['part'], string>> = {
  config: 'config.pbtxt',
  code: 'model files',
  interaction: 'only both together',
  field: 'config.pbtxt',
}

function points(share: number): string {
  return withMinus((share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0))
}

function changeRows(model: ModelResult, change: AttributedChange): TableRow[] {
  const { metric, load, parts, measuredRatio, measuredInterval, repetitions } = change
  const start = [{ text: loadLabel(load) }, { text: metrics[metric].label }]
  const end = { text: String(repetitions) }
  return [
    ...parts.map(({ part, field, share, shareInterval, changeRatio, changeInterval }): TableRow => {
      const cells = [
        ...start,
        {
          text: field === undefined ? labels[part] : (model.attribution?.changes.fields[field]?.field ?? ''),
        },
        { text: `${changeInWords(changeRatio)} (${formatChangeInterval([...changeInterval])})` },
        { text: `${formatPercent(share)} (${shareInterval.map(formatPercent).join(' to ')})` },
        end,
      ]
      return { status: null, emphasis: false, cells }
    }),
    {
      status: null,
      emphasis: false,
      cells: [
        ...start,
        { text: 'all, measured again' },
        { text: `${changeInWords(measuredRatio)} (${formatChangeInterval([...measuredInterval])})` },
        { text: '100 %' },
        end,
      ],
    },
  ]
}

/** What is less than this share of all that got longer is not named. */
const namedShare = 0.25

/** Where the time of an average request went, at each load that got worse. */
function movedParts(model: ModelResult, candidateLabel: string): string[] {
  const worse = new Set(
    model.comparisons.filter(({ status }) => status === 'fail').map(({ load }) => loadKey(load)),
  )
  return sidesByLoad(model, candidateLabel).flatMap((sides) => {
    const reference = sides.find(({ candidate }) => !candidate)
    const candidate = sides.find((each) => each.candidate)
    if (reference === undefined || candidate === undefined || !worse.has(loadKey(candidate.scenario.load)))
      return []
    const before = partsOf(reference)
    const longer = [...partsOf(candidate)]
      .map(([name, ns]) => ({ name, from: before.get(name) ?? 0, to: ns }))
      .filter(({ from, to }) => to > from)
      .toSorted((a, b) => b.to - b.from - (a.to - a.from))
    const all = longer.reduce((sum, { from, to }) => sum + to - from, 0)
    const named = longer.filter(({ from, to }) => to - from >= namedShare * all)
    if (named.length === 0) return []
    const words = named.map(({ name, from, to }) => `${name} (${formatMs(from)} → ${formatMs(to)})`)
    return [
      `An average request at ${loadLabel(candidate.scenario.load)} takes longer above all in: ${words.join(', ')}.`,
    ]
  })
}

/** An ensemble's own times are those of its steps: where these are known, they are named instead. */
function partsOf({ scenario }: Side): Map<string, number> {
  const composing = scenario.composing ?? []
  const names = composing.some(({ via }) => via === 'step')
    ? (['networkOverheadNs'] as const)
    : ([...serverParts, 'networkOverheadNs'] as const)
  const own = names.flatMap((name) => {
    const value = scenario.metrics[name]?.value
    return value == null ? [] : [[metrics[name].label, value] as const]
  })
  const others = composing.flatMap((each) =>
    serverParts.flatMap((part) => {
      const ns = partPerRequestNs(each, part)
      return ns === null ? [] : [[`${metrics[part].label} of ${each.model}`, ns] as const]
    }),
  )
  return new Map([...own, ...others])
}
