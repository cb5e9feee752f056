import { z } from 'zod'
import { toleranceTags } from './metric-tags.ts'
import { key, positiveInteger, positiveNumber, stringList } from './values.ts'

type Tag = keyof typeof toleranceTags
const tags = Object.keys(toleranceTags) as [Tag, ...Tag[]]

/** A latency may double, so a percentage has no upper end; a plain number above 1 is a percentage without its sign. */
const upTo = z
  .union([
    z.number().positive().max(1),
    z
      .string()
      .regex(/^\s*\d+(\.\d+)?\s*%\s*$/)
      .transform((text) => Number.parseFloat(text) / 100),
  ])
  .meta({ title: '"15%" or a ratio above 0, up to 1' })

/** It stands in the report's sentences: one line, and not a long one. */
const reason = z
  .string()
  .transform((text) => text.replaceAll(/\s+/g, ' ').trim())
  .pipe(z.string().min(1).max(200))
  .meta({ title: 'text of 1 to 200 characters' })

/** A key that every entry has. */
function needed<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ description })
}

const loadOf = z.strictObject({
  concurrency: key(positiveInteger, 'Only at this concurrency of that model.'),
  request_rate: key(positiveNumber, 'Only at this request rate of that model.'),
  batch_size: key(positiveInteger, 'Only at this batch size of that model.'),
})
type NeighbourLoad = z.output<typeof loadOf>

const beside = z
  .union([
    stringList.transform((names) =>
      Object.fromEntries(names.map((name): [string, NeighbourLoad] => [name, {}])),
    ),
    z.record(
      z.string().min(1),
      loadOf.nullable().transform((load): NeighbourLoad => load ?? {}),
    ),
  ])
  .refine((models) => Object.keys(models).length > 0, 'names no model')
  .meta({ title: '"a,b", list, or map of model to its load' })

const entry = z
  .strictObject({
    model: needed(z.string().min(1), 'The model.'),
    metric: needed(
      z.enum(tags),
      'The metric that may get worse; that of p99 holds for a lower percentile that stands in for it.',
    ),
    concurrency: key(positiveInteger, 'Only at this concurrency; by default at every gated load.'),
    request_rate: key(positiveNumber, 'Only at this request rate.'),
    batch_size: key(positiveInteger, 'Only at this batch size.'),
    beside: key(
      beside,
      'Only where exactly these models are under load at the same time. Without it the entry is for the model alone, and says nothing of models that are measured at once.',
    ),
    up_to: needed(
      upTo,
      'How much worse it may be than the reference or baseline. The comparison passes as `accepted` where it is shown to be within, fails beyond.',
    ),
    reason: needed(reason, 'Why; it stands in the report.'),
    until: key(
      z.iso.date().meta({ title: 'date, such as 2026-12-31' }),
      'Last day (UTC) on which it holds, at most 366 days ahead. One of `until` and `until_commit` is needed.',
    ),
    until_commit: key(
      z
        .string()
        .regex(/^[0-9a-f]{7,64}$/)
        .meta({ title: 'commit hash in quotes' }),
      'It holds until what is measured has this commit in its history, such as that of a repair on another branch.',
    ),
  })
  .superRefine(({ metric, up_to: share, until, until_commit: commit }, context) => {
    const add = (message: string, remedy: string, path: string[]) =>
      context.addIssue({ code: 'custom', message, path, params: { remedy } })
    if ((until === undefined) === (commit === undefined)) {
      const found = until === undefined ? 'neither until nor until_commit' : 'both until and until_commit'
      add(`has ${found}`, 'Give one of the two: what is accepted for ever is a tolerance.', [])
    }
    if (share <= 0) add('accepts nothing', 'Give a share above 0, or leave the entry out.', ['up_to'])
    if (metric === 'perf_throughput' && share >= 1) {
      add('accepts a throughput of zero', 'Give less than 100 %.', ['up_to'])
    }
  })

const placeOf = (each: z.output<typeof entry>) =>
  JSON.stringify([
    each.model,
    each.metric,
    each.concurrency,
    each.request_rate,
    each.batch_size,
    Object.entries(each.beside ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ])

/** Regressions that are expected: reviewed as part of the configuration, with a reason and an end. */
export const acceptedSection = z.array(entry).superRefine((entries, context) => {
  const places = entries.map(placeOf)
  for (const [index, place] of places.entries()) {
    if (places.indexOf(place) === index) continue
    const params = { remedy: 'Keep one of them.' }
    const message = 'is a second entry for the same model, metric and load'
    context.addIssue({ code: 'custom', message, path: [index], params })
  }
})
