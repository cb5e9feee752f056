import { z } from 'zod'

/**
 * The fields of a ModelConfig that the sweep changes and the report shows, in Triton's words.
 * `instanceCount` is the sum of `instance_group[].count`; null for an ensemble, which has no instances.
 */
export const configurationSchema = z
  .strictObject({
    /** True where this is what the repository holds, unchanged. */
    committed: z.boolean(),
    instanceCount: z.int().positive().nullable(),
    maxBatchSize: z.int().nonnegative(),
    dynamicBatching: z.boolean(),
    preferredBatchSizes: z.array(z.int().positive()).readonly().optional(),
    maxQueueDelayMicroseconds: z.int().nonnegative().optional(),
    /** Further fields of ModelConfig that differ from the committed ones, as protobuf's JSON with the names of the .proto. */
    fields: z.record(z.string(), z.json()).optional(),
  })
  .readonly()

export type Configuration = z.infer<typeof configurationSchema>

/** Tells configurations apart, whether committed or not: `instances=2,max_batch_size=8,dynamic_batching=on`. */
export function configurationKey(configuration: Configuration): string {
  const parts = [
    `instances=${configuration.instanceCount ?? '-'}`,
    `max_batch_size=${configuration.maxBatchSize}`,
    `dynamic_batching=${configuration.dynamicBatching ? 'on' : 'off'}`,
  ]
  if (configuration.preferredBatchSizes !== undefined && configuration.preferredBatchSizes.length > 0) {
    parts.push(`preferred_batch_size=${configuration.preferredBatchSizes.join('/')}`)
  }
  if (configuration.maxQueueDelayMicroseconds !== undefined && configuration.maxQueueDelayMicroseconds > 0) {
    parts.push(`max_queue_delay_microseconds=${configuration.maxQueueDelayMicroseconds}`)
  }
  for (const [name, value] of Object.entries(configuration.fields ?? {})) {
    parts.push(`${name}=${JSON.stringify(value)}`)
  }
  return parts.join(',')
}
