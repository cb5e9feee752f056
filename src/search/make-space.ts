import type { Range, SearchSettings } from '../config/config.ts'
import { type Configuration, configurationKey, type VariedFields } from '../domain/configuration.ts'
import { batchSizeOf, inferencesOf, type Load } from '../domain/load.ts'
import type { Space } from './space.ts'

/** What the model allows to be changed. */
export interface ModelTraits {
  /** max_batch_size > 0 and no sequence batcher: batch size and dynamic batching can be varied. */
  readonly batching: boolean
  /** False for an ensemble, which has no instances of its own. */
  readonly instances: boolean
  /** The server lets us load other configurations than the committed one. */
  readonly loadsAllowed: boolean
}

/**
 * The legal space. What the settings list is taken as it is; the rest is searched within its ranges, or, in manual
 * mode, stays as committed.
 */
export function makeSpace(settings: SearchSettings, committed: Configuration, model: ModelTraits): Space {
  const variants = model.loadsAllowed && settings.mode !== 'off' ? variantsOf(settings, committed, model) : []
  const known = new Set([configurationKey(committed)])
  const configurations = [committed]
  for (const variant of variants) {
    const key = configurationKey(variant)
    if (known.has(key)) continue
    known.add(key)
    configurations.push(variant)
  }
  const loads = loadsOf(settings)
  return {
    committed,
    configurations,
    loads,
    divisible: true,
    ...(isListed(settings) ? { allLoads: true } : {}),
  }
}

function isListed({ requestRates, concurrencies }: SearchSettings): boolean {
  return requestRates === null ? concurrencies !== null : requestRates.listed
}

/** Every client batch at every concurrency or rate, from light to heavy. */
function loadsOf({
  concurrency: range,
  concurrencies,
  requestRates,
  clientBatchSizes,
}: SearchSettings): Load[] {
  const levels: Load[] =
    requestRates === null
      ? (concurrencies ?? powersOfTwo(range)).map((concurrency) => ({ mode: 'concurrency', concurrency }))
      : requestRates.rates.map((requestRate) => ({
          mode: 'requestRate',
          requestRate,
          ...(requestRates.distribution === 'poisson' ? { distribution: 'poisson' } : {}),
        }))
  return levels
    .flatMap((load) =>
      clientBatchSizes.map((batchSize): Load => (batchSize === 1 ? load : { ...load, batchSize })),
    )
    .sort((a, b) => inferencesOf(a) - inferencesOf(b) || batchSizeOf(a) - batchSizeOf(b))
}

/** The legal variants of a further model, the committed one first, each once. */
export function memberVariants(
  settings: SearchSettings,
  committed: VariedFields,
  model: ModelTraits,
): readonly VariedFields[] {
  const { configurations } = makeSpace(settings, { ...committed, committed: true }, model)
  return configurations.map(({ committed: _, ...fields }) => fields)
}

type Instances = Pick<Configuration, 'instanceCount' | 'fields'>

function variantsOf(settings: SearchSettings, committed: Configuration, model: ModelTraits): Configuration[] {
  const own = { instanceCount: committed.instanceCount }
  return (model.instances ? instancesOf(settings, own) : [own]).flatMap((instances) => {
    const fixed = { ...committed, committed: false, ...instances }
    const variants = model.batching ? batchVariants(settings, committed, instances) : [fixed]
    return variants.flatMap((variant) => withOtherFields(settings, variant))
  })
}

function withOtherFields({ otherFields }: SearchSettings, variant: Configuration): Configuration[] {
  return (otherFields ?? [{}]).map((listed) => {
    // Without the batcher there is nothing to set in it.
    const { dynamic_batching: batcher, ...others } = listed
    const fields = {
      ...variant.fields,
      ...(variant.dynamicBatching && batcher !== undefined ? listed : others),
    }
    return Object.keys(fields).length === 0 ? variant : { ...variant, fields }
  })
}

/** What is listed, else the range with the committed count. */
function instancesOf(
  { mode, instanceCount, instanceCounts, instanceGroups }: SearchSettings,
  own: Instances,
) {
  const { min, max } = instanceCount
  const range = Array.from({ length: Math.max(0, max - min + 1) }, (_, i) => min + i)
  const searched = [...new Set([...(mode === 'manual' ? [] : range), own.instanceCount])]
  const plain = (counts: readonly (number | null)[]) =>
    counts.map((count): Instances => ({ instanceCount: count }))
  if (instanceGroups === null) return plain(instanceCounts ?? searched)
  return instanceGroups.flatMap(({ count, groups }) => {
    // Triton makes one instance of what is written without a count.
    const counts = count !== null ? [count] : mode === 'manual' ? [1] : searched
    if (groups === null) return plain(counts)
    return counts.map((instanceCount) => ({ instanceCount, fields: { instance_group: [...groups] } }))
  })
}

function batchVariants(
  settings: SearchSettings,
  committed: Configuration,
  instances: Instances,
): Configuration[] {
  const manual = settings.mode === 'manual'
  const range = manual ? [] : powersOfTwo(settings.modelBatchSize)
  const sizes = settings.maxBatchSizes ?? [...range, committed.maxBatchSize]
  const maxBatchSizes = [...new Set(sizes)].filter((size) => size > 0).sort((a, b) => a - b)
  const batching = settings.dynamicBatching ?? (manual ? [committed.dynamicBatching] : [true, false])
  return maxBatchSizes.flatMap((maxBatchSize) =>
    batching.flatMap((dynamicBatching): Configuration[] => {
      const base = { committed: false, ...instances, maxBatchSize, dynamicBatching }
      if (!dynamicBatching) return [base]
      return queueVariants(settings, committed, maxBatchSize).map((queue) => ({ ...base, ...queue }))
    }),
  )
}

type Queue = Pick<Configuration, 'preferredBatchSizes' | 'maxQueueDelayMicroseconds'>

/** Delays and preferred sizes are varied only where they are listed; else the committed ones stay, as far as they are legal. */
function queueVariants(settings: SearchSettings, committed: Configuration, maxBatchSize: number): Queue[] {
  const isLegal = (size: number) => size <= maxBatchSize
  const asCommitted = { preferredBatchSizes: null, maxQueueDelayMicroseconds: null }
  const listed = settings.queues ?? [asCommitted]
  const legal = listed.filter(({ preferredBatchSizes }) => preferredBatchSizes?.every(isLegal) ?? true)
  const queues = legal.length > 0 ? legal : listed.map((queue) => ({ ...queue, preferredBatchSizes: null }))
  return queues.map((queue) => {
    const sizes = queue.preferredBatchSizes ?? committed.preferredBatchSizes?.filter(isLegal) ?? []
    const delay = queue.maxQueueDelayMicroseconds ?? committed.maxQueueDelayMicroseconds ?? 0
    return {
      ...(sizes.length === 0 ? {} : { preferredBatchSizes: sizes }),
      ...(delay === 0 ? {} : { maxQueueDelayMicroseconds: delay }),
    }
  })
}

/** The powers of two in the range; its lower end where it holds none, so that a range is never empty by accident. */
function powersOfTwo({ min, max }: Range): number[] {
  const values: number[] = []
  for (let value = 1; value <= max; value *= 2) if (value >= min) values.push(value)
  return values.length === 0 ? [min] : values
}
