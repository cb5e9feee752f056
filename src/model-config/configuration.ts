import { clone, create, equals, type JsonObject } from '@bufbuild/protobuf'
import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import {
  type ModelConfig,
  ModelConfigSchema,
  ModelDynamicBatchingSchema,
  ModelInstanceGroupSchema,
} from '../proto/model_config_pb.js'
import { withFields } from './fields.ts'
import { completeFields, isMadeOf } from './instance-groups.ts'

/**
 * What the sweep may change, read from a model's configuration. A preferred batch size of just
 * max_batch_size is left out: Triton fills in that very value where none is given, so that the file and
 * the server's resolved configuration read alike.
 */
export function configurationOf(config: ModelConfig, committed: boolean): Configuration {
  const scheduling = config.schedulingChoice
  const batching = scheduling.case === 'dynamicBatching' ? scheduling.value : null
  const preferred = batching?.preferredBatchSize ?? []
  const isDefault = preferred.length === 1 && preferred[0] === config.maxBatchSize
  const delay = Number(batching?.maxQueueDelayMicroseconds ?? 0n)
  return {
    committed,
    instanceCount: scheduling.case === 'ensembleScheduling' ? null : instanceCountOf(config),
    maxBatchSize: Math.max(0, config.maxBatchSize),
    dynamicBatching: batching !== null,
    ...(preferred.length > 0 && !isDefault ? { preferredBatchSizes: [...preferred] } : {}),
    ...(delay > 0 ? { maxQueueDelayMicroseconds: delay } : {}),
  }
}

/** Sum over the groups, as written: a group with `count` left out has one, and so has a model without groups. */
function instanceCountOf(config: ModelConfig): number {
  const counts = config.instanceGroup.map((group) => Math.max(1, group.count))
  return counts.length === 0 ? 1 : counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Why Triton would refuse the configuration for this model, or why it would change the model's interface;
 * null where it may be tried.
 */
export function illegal(config: ModelConfig, configuration: Configuration): string | null {
  const { instanceCount, maxBatchSize, dynamicBatching, preferredBatchSizes = [] } = configuration
  const scheduling = config.schedulingChoice.case
  if (scheduling === 'ensembleScheduling' && (instanceCount !== null || dynamicBatching)) {
    return 'an ensemble has no instances and no batcher of its own: change its composing models'
  }
  if (scheduling !== 'ensembleScheduling' && instanceCount === null) {
    return 'only an ensemble has no instance count'
  }
  if (maxBatchSize === 0 && config.maxBatchSize > 0) {
    return 'max_batch_size 0 would take the batch dimension away from the inputs and outputs'
  }
  if (maxBatchSize > 0 && config.maxBatchSize === 0) {
    return 'the model does not batch (max_batch_size 0): any other value would change the shapes of its inputs and outputs'
  }
  if (dynamicBatching && scheduling === 'sequenceBatching') {
    return 'the model has a sequence batcher, which excludes dynamic_batching'
  }
  if (dynamicBatching && maxBatchSize === 0) return 'dynamic_batching needs max_batch_size above 0'
  if (!dynamicBatching && (preferredBatchSizes.length > 0 || configuration.maxQueueDelayMicroseconds)) {
    return 'preferred_batch_size and max_queue_delay_microseconds need dynamic_batching'
  }
  const tooLarge = preferredBatchSizes.find((size) => size > maxBatchSize)
  if (tooLarge !== undefined) {
    return `preferred_batch_size ${tooLarge} is above max_batch_size ${maxBatchSize}`
  }
  return null
}

/**
 * A copy of `config` in that configuration. Everything else stays: the first group's kind and GPUs, the
 * batcher's queue policies and priorities. A preferred batch size or delay that `configuration` leaves out
 * is removed, so that what runs is what `variedKey` says.
 *
 * @throws GateError `internal` where `illegal` has a reason
 */
export function applyConfiguration(config: ModelConfig, configuration: Configuration): ModelConfig {
  const result = clone(ModelConfigSchema, config)
  const current = configurationOf(config, configuration.committed)
  if (variedKey(current) === variedKey(configuration)) return result
  const reason = illegal(config, configuration)
  if (reason !== null) {
    throw new GateError('internal', `${config.name}: ${variedKey(configuration)} cannot be tried: ${reason}`)
  }
  result.maxBatchSize = configuration.maxBatchSize
  if (configuration.instanceCount !== null && configuration.instanceCount !== current.instanceCount) {
    const group = result.instanceGroup[0] ?? create(ModelInstanceGroupSchema)
    group.count = configuration.instanceCount
    result.instanceGroup = [group]
  }
  if (configuration.dynamicBatching) {
    const scheduling = result.schedulingChoice
    const value =
      scheduling.case === 'dynamicBatching' ? scheduling.value : create(ModelDynamicBatchingSchema)
    value.preferredBatchSize = [...(configuration.preferredBatchSizes ?? [])]
    value.maxQueueDelayMicroseconds = BigInt(configuration.maxQueueDelayMicroseconds ?? 0)
    result.schedulingChoice = { case: 'dynamicBatching', value }
  } else if (result.schedulingChoice.case === 'dynamicBatching') {
    result.schedulingChoice = { case: undefined }
  }
  return withFields(result, completeFields(configuration))
}

/**
 * How the server's resolved configuration differs from the one that was loaded, a clause each. A server that silently loads something
 * else than asked would make a sweep of one configuration under many names.
 */
export function differences(wanted: VariedFields, resolved: ModelConfig): string[] {
  const actual = configurationOf(resolved, false)
  const differing = (['instanceCount', 'maxBatchSize', 'dynamicBatching'] as const).filter(
    (field) => wanted[field] !== actual[field],
  )
  const queueOf = ({
    preferredBatchSizes: sizes = [],
    maxQueueDelayMicroseconds: delay = 0,
    ...own
  }: VariedFields) =>
    // Just max_batch_size is what Triton fills in.
    `preferred_batch_size [${sizes.length === 1 && sizes[0] === own.maxBatchSize ? '' : sizes.join()}], max_queue_delay_microseconds ${delay}`
  const [queue, actualQueue] = [queueOf(wanted), queueOf(actual)]
  const others = Object.entries(completeFields(wanted)).filter(
    ([name, value]) => !hasFields(resolved, { [name]: value }),
  )
  return [
    ...differing.map((field) => `${field}: asked ${wanted[field]}, got ${actual[field]}`),
    ...(queue === actualQueue ? [] : [`asked ${queue}, got ${actualQueue}`]),
    ...others.map(([name, value]) => `${name}: asked ${JSON.stringify(value)}, got something else`),
  ]
}

/** True where further fields of a configuration are what a server has made of them. */
function hasFields(config: ModelConfig, fields: JsonObject): boolean {
  const { instance_group: groups } = fields
  if (Array.isArray(groups)) return isMadeOf(groups as JsonObject[], config)
  return equals(ModelConfigSchema, withFields(config, fields), config)
}
