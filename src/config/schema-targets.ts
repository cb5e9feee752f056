import { z } from 'zod'
import { type ConstraintTag, constraintTags, type MetricTag, objectiveTags } from './metric-tags.ts'
import { positiveNumber } from './values.ts'

/** Optional keys of one type, all with the same names as in `names`. */
function keys<K extends string, T extends z.ZodType>(names: readonly K[], schema: (name: K) => T) {
  return Object.fromEntries(names.map((name) => [name, schema(name).optional()])) as Record<
    K,
    z.ZodOptional<T>
  >
}

/** What the sweep maximises: tags with weights, or a list of tags of equal weight. */
export const objectives = z
  .union([
    z.strictObject(keys(objectiveTags, () => positiveNumber)),
    z.array(z.enum(objectiveTags)).min(1).transform(equalWeights),
  ])
  .meta({ title: 'map of tag to weight, or list of tags' })

/** Model Analyzer's weight for tags that are only listed. */
function equalWeights(tags: readonly MetricTag[]): Partial<Record<MetricTag, number>> {
  return Object.fromEntries(tags.map((tag) => [tag, 10]))
}

const limits = keys(Object.keys(constraintTags) as ConstraintTag[], (tag) => {
  const { bound, unit } = constraintTags[tag]
  const limit = positiveNumber.meta({ description: `Limit in ${unit}; a value on the limit passes.` })
  return z.strictObject({ [bound]: limit }).transform((bounds) => bounds[bound])
})

/** Limits by tag, still in the units of the file. */
export const constraints = z.strictObject(limits).meta({ title: 'map of tag to {max: …} or {min: …}' })
