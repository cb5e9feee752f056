import type { Configuration, VariedFields } from './configuration.ts'
import { isMapping } from './mapping.ts'
import { countInWords } from './words.ts'

/** `off`, `on, preferred 4/8, delay 100 µs`. */
export function dynamicBatchingWords(configuration: VariedFields): string {
  if (!configuration.dynamicBatching) return 'off'
  const { preferredBatchSizes = [], maxQueueDelayMicroseconds = 0 } = configuration
  const extras = [
    preferredBatchSizes.length === 0 ? '' : `preferred ${preferredBatchSizes.join('/')}`,
    maxQueueDelayMicroseconds === 0 ? '' : `delay ${maxQueueDelayMicroseconds} µs`,
  ].filter((extra) => extra !== '')
  return ['on', ...extras].join(', ')
}

/**
 * The configuration in a sentence: `2 instances, max batch size 8, dynamic batching on`; with the further models that are
 * not as committed: `max batch size 8, dynamic batching off; preprocess: 2 instances, …`.
 */
export function describeConfiguration(configuration: Configuration): string {
  return [describeFields(configuration), ...otherModelsWords(configuration)].join('; ')
}

/** The further models that are not as committed, each `preprocess: 2 instances, …`; by name, whichever was changed last. */
export function otherModelsWords({ others = {} }: Configuration): string[] {
  const byName = Object.entries(others).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return byName.map(([name, fields]) => `${name}: ${describeFields(fields)}`)
}

function describeFields(configuration: VariedFields): string {
  const batches = configuration.instanceCount !== null
  return [
    ...(configuration.instanceCount === null ? [] : [countInWords(configuration.instanceCount, 'instance')]),
    `max batch size ${configuration.maxBatchSize}`,
    ...(batches ? [`dynamic batching ${dynamicBatchingWords(configuration)}`] : []),
    ...otherFieldsWords(configuration),
  ].join(', ')
}

/** Further fields of ModelConfig, each as its name and value; instance groups as `2 KIND_GPU`. */
export function otherFieldsWords({ fields = {} }: VariedFields): string[] {
  return Object.entries(fields).map(([name, value]) =>
    name === 'instance_group' && Array.isArray(value)
      ? value.map(describeGroup).join(' + ')
      : `${name} ${JSON.stringify(value)}`,
  )
}

/** `KIND_CPU`, `2 KIND_GPU (gpus [0])` */
function describeGroup(group: unknown): string {
  if (!isMapping(group)) return JSON.stringify(group)
  const { count, kind, ...others } = group
  const more = Object.entries(others).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  const kindName = typeof kind === 'string' ? kind : 'KIND_AUTO'
  const named = typeof count === 'number' ? `${count} ${kindName}` : kindName
  return more.length === 0 ? named : `${named} (${more.join(', ')})`
}
