import { z } from 'zod'

const varied = {
  instanceCount: z.int().positive().nullable(),
  maxBatchSize: z.int().nonnegative(),
  dynamicBatching: z.boolean(),
  preferredBatchSizes: z.array(z.int().positive()).readonly().optional(),
  maxQueueDelayMicroseconds: z.int().nonnegative().optional(),
  /** Further fields of ModelConfig that differ from the committed ones, as protobuf's JSON with the names of the .proto. */
  fields: z.record(z.string(), z.json()).optional(),
}

/**
 * The fields of one model's ModelConfig that the sweep changes and the report shows, in Triton's words.
 * `instanceCount` is the sum of `instance_group[].count`; null for an ensemble, which has no instances.
 */
const variedFieldsSchema = z.strictObject(varied).readonly()

export type VariedFields = z.infer<typeof variedFieldsSchema>

/** One group of `instance_group`, with the names of the .proto. */
export type InstanceGroup = Readonly<Record<string, NonNullable<VariedFields['fields']>[string]>>

/** The instance groups that a configuration says; none where they are the committed ones but for their count. */
export function instanceGroupsOf({ fields = {} }: VariedFields): readonly InstanceGroup[] {
  return Array.isArray(fields.instance_group) ? (fields.instance_group as InstanceGroup[]) : []
}

/** A model's configuration, and with it those of the further models that are varied together with it. */
export const configurationSchema = z
  .strictObject({
    /** True where this is what the repository holds, unchanged; of the further models too. */
    committed: z.boolean(),
    ...varied,
    /**
     * Further models on the same server in another configuration than the committed one, by name: those that an ensemble
     * or code needs, or that are loaded beside it. A model that is not named is as committed; left out where all are.
     */
    others: z.record(z.string(), variedFieldsSchema).readonly().optional(),
  })
  .readonly()
  .meta({ id: 'configuration' })

export type Configuration = z.infer<typeof configurationSchema>

/**
 * Tells configurations apart, whether committed or not: `instances=2,max_batch_size=8,dynamic_batching=on`, with
 * `,preprocess(instances=2,…)` for each further model that is varied.
 */
export function configurationKey(configuration: Configuration): string {
  const known = keys.get(configuration)
  if (known !== undefined) return known
  const key = makeKey(configuration)
  keys.set(configuration, key)
  return key
}

/** A search compares each configuration with every other one, at each step; none of them ever changes. */
const keys = new WeakMap<Configuration, string>()

function makeKey(configuration: Configuration): string {
  const others = Object.entries(configuration.others ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [variedKey(configuration), ...others.map(([name, fields]) => `${name}(${variedKey(fields)})`)].join()
}

/** The same of one model alone. */
export function variedKey(fields: VariedFields): string {
  const { instanceCount, maxBatchSize, dynamicBatching, preferredBatchSizes = [] } = fields
  const parts = [
    `instances=${instanceCount ?? '-'}`,
    `max_batch_size=${maxBatchSize}`,
    `dynamic_batching=${dynamicBatching ? 'on' : 'off'}`,
  ]
  if (preferredBatchSizes.length > 0) parts.push(`preferred_batch_size=${preferredBatchSizes.join('/')}`)
  if (fields.maxQueueDelayMicroseconds !== undefined && fields.maxQueueDelayMicroseconds > 0) {
    parts.push(`max_queue_delay_microseconds=${fields.maxQueueDelayMicroseconds}`)
  }
  for (const [name, value] of Object.entries(fields.fields ?? {})) {
    parts.push(`${name}=${JSON.stringify(value)}`)
  }
  return parts.join(',')
}

/** The configuration with that one of a further model; as committed where `fields` are what `committed` says. */
export function withOther(
  configuration: Configuration,
  name: string,
  fields: VariedFields,
  committed: VariedFields,
): Configuration {
  const { others: { [name]: _, ...kept } = {}, ...own } = configuration
  const isVaried = variedKey(fields) !== variedKey(committed)
  const others = isVaried ? { ...kept, [name]: fields } : kept
  return Object.keys(others).length === 0 ? own : { ...own, others }
}
