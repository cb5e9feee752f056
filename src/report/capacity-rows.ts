import { describeConfiguration } from '../domain/configuration-words.ts'
import { loadLabel } from '../domain/load.ts'
import type { CapacityResult, ModelCapacity, Result } from '../domain/result.ts'
import { countInWords } from '../domain/words.ts'
import { formatMs, formatNumber, formatThroughput } from './format.ts'
import { type Table, withoutEmptyColumns } from './table.ts'

export interface CapacitySection {
  readonly table: Table
  /** What to plan with, a sentence for each model. */
  readonly sentences: readonly { readonly model: string; readonly text: string }[]
}

const names = {
  reference: 'reference, gated loads',
  committed: 'committed',
  best: 'best found',
} as const

/** What each model can be planned with, before and after. Configurations that are neither are in the JSON file only. */
export function capacitySection(result: Result, candidateLabel: string): CapacitySection {
  const models = result.models.flatMap((model) =>
    model.capacity === undefined ? [] : [{ model, capacity: model.capacity }],
  )
  const name = (of: CapacityResult['of']) =>
    of === 'candidate' ? `${candidateLabel.toLowerCase()}, gated loads` : of === 'other' ? null : names[of]
  return {
    table: withoutEmptyColumns({
      columns: [
        { title: 'Model', numeric: false },
        { title: 'Configuration', numeric: false },
        { title: 'Capacity (infer/s)', numeric: true },
        { title: 'p99 latency (ms)', numeric: true },
        { title: 'At', numeric: false },
        { title: 'Too much at', numeric: false },
        { title: 'For the demand', numeric: false },
      ],
      rows: models.flatMap(({ model, capacity }) =>
        capacity.rows.flatMap((row) => {
          const label = name(row.of)
          if (label === null) return []
          const { inferPerSec, latencyP99Ns, load, brokenAt } = row
          return [
            {
              status: null,
              emphasis: row.of === 'best',
              cells: [
                { text: model.name, code: true },
                { text: label },
                {
                  text: inferPerSec !== null ? formatNumber(inferPerSec) : isOpen(row) ? 'not known' : 'none',
                },
                { text: latencyP99Ns === null ? '–' : formatNumber(latencyP99Ns / 1e6) },
                { text: load === null ? '–' : loadLabel(load) },
                { text: brokenAt !== null ? loadLabel(brokenAt) : isOpen(row) ? '–' : 'not reached' },
                { text: machines(row) ?? '–' },
              ],
            },
          ]
        }),
      ),
    }),
    sentences: models.flatMap(({ model, capacity }) => {
      const text = planWith(capacity)
      return text === null ? [] : [{ model: model.name, text }]
    }),
  }
}

/** Whether nothing is known to hold the limits, and nothing to break them: there were too few requests to tell. */
function isOpen({ load, brokenAt }: CapacityResult): boolean {
  return load === null && brokenAt === null
}

/** `3 GPUs`, or `3 servers` where the measured one has none; null where no demand is known, or nothing holds the limits. */
function machines({ servers, gpus }: CapacityResult): string | null {
  if (servers === null) return null
  return gpus === null ? countInWords(servers, 'server') : countInWords(gpus, 'GPU')
}

function planWith({ demandInferPerSec, rows }: ModelCapacity): string | null {
  const find = (of: CapacityResult['of']) => rows.find((row) => row.of === of) ?? null
  const [reference, candidate, committed, best] = [
    find('reference'),
    find('candidate'),
    find('committed'),
    find('best'),
  ]
  const plan = best ?? committed ?? candidate
  if (plan === null) return null
  if (isOpen(plan))
    return 'Whether a load that was measured holds the limits is not known: there is no capacity to plan with.'
  const { inferPerSec, latencyP99Ns, load, configuration } = plan
  if (inferPerSec === null || load === null)
    return 'No load that was measured holds the limits: there is no capacity to plan with.'
  const tail = latencyP99Ns === null ? '' : `, p99 ${formatMs(latencyP99Ns)}`
  const what = plan.of === 'best' ? ` with ${describeConfiguration(configuration)}` : ''
  const sentence = `Plan with ${formatThroughput(inferPerSec)}${what} (at ${loadLabel(load)}${tail}).`
  const needed = machines(plan)
  if (demandInferPerSec === null || needed === null) return sentence
  const asCommitted = best === null || committed === null ? null : machines(committed)
  const [before, now] = [reference && machines(reference), candidate && machines(candidate)]
  return [
    sentence,
    ` ${formatThroughput(demandInferPerSec)} take ${needed}`,
    asCommitted === null ? '.' : `, as committed ${asCommitted}.`,
    before === null || now === null ? '' : ` At the gated loads alone: ${before} before, ${now} now.`,
  ].join('')
}
