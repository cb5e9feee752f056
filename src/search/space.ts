import type { Range, SearchSettings } from '../config/config.ts'
import { type Configuration, configurationKey, type VariedFields } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, inferencesOf, type Load } from '../domain/load.ts'
import { combinationCount, combinations, fieldsOf, isCombination, type Members } from './members.ts'

/** Every configuration and load that a search may propose, each legal and listed once; the committed one is a member. */
export interface Space {
  readonly committed: Configuration
  readonly configurations: readonly Configuration[]
  /** From light to heavy. */
  readonly loads: readonly Load[]
  /** Whether loads between the listed ones can be measured; not on a recorded landscape. */
  readonly divisible?: boolean
  /** Whether each load is wanted of each configuration, also where throughput has long ceased to grow: the user lists them. */
  readonly allLoads?: boolean
  /** What the GPUs have in all, whoever holds it; left out where that is not known. */
  readonly gpuMemoryBytes?: number
  /**
   * Further models that are varied with this one; left out where there are none. `configurations` then are those of the gated
   * model alone where the search finds the combinations itself (quick), else the combinations.
   */
  readonly members?: Members
}

/** What the model allows to be changed. */
export interface ModelTraits {
  /** max_batch_size > 0 and no sequence batcher: batch size and dynamic batching can be varied. */
  readonly batching: boolean
  /** False for an ensemble, which has no instances of its own. */
  readonly instances: boolean
  /** The server lets us load other configurations than the committed one. */
  readonly loadsAllowed: boolean
}

/** The space together with further models' variants. */
export function withMembers(space: Space, members: Members, mode: SearchSettings['mode']): Space {
  if (members.varied.every(({ variants }) => variants.length < 2)) return space
  const configurations = mode === 'quick' ? space.configurations : combinations(members, space.configurations)
  return { ...space, configurations, members }
}

/** How many configurations there are. */
export function sizeOf({ configurations, members, committed }: Space): number {
  if (members === undefined) return configurations.length
  const own = new Set(configurations.map((each) => ownKey({ ...each, ...ownBatch(members, committed) })))
  return combinationCount(members, own.size)
}

/** Whether a configuration may be proposed. */
export function isMember(
  { configurations, members, committed }: Space,
  configuration: Configuration,
): boolean {
  const key = configurationKey(configuration)
  if (configurations.some((each) => configurationKey(each) === key)) return true
  if (members === undefined || !isCombination(members, configuration)) return false
  const own = { ...configuration, ...ownBatch(members, committed) }
  return configurations.some((each) => ownKey({ ...each, ...ownBatch(members, committed) }) === ownKey(own))
}

/** An ensemble's max_batch_size is not its own. */
function ownBatch({ ensembles, top }: Members, { maxBatchSize }: Configuration) {
  return ensembles.some(({ name }) => name === top) ? { maxBatchSize } : {}
}

function ownKey({ others: _, ...own }: Configuration): string {
  return configurationKey(own)
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

/**
 * The loads that are legal for a configuration: a request may not hold more than `max_batch_size` inferences, nor, where code
 * passes it on, more than that of a model whose max_batch_size was lowered.
 */
export function loadsFor(space: Space, configuration: Configuration): readonly Load[] {
  const lowered = (space.members?.varied ?? []).flatMap((member) => {
    const { maxBatchSize } = fieldsOf(member, configuration)
    return maxBatchSize < member.committed.maxBatchSize ? maxBatchSize : []
  })
  const most = Math.min(Math.max(1, configuration.maxBatchSize), ...lowered)
  return space.loads.filter((load) => batchSizeOf(load) <= most)
}

/**
 * Where a search begins. At request rates with the lightest, which tells how long a request takes, and with it
 * about how many can be served. Else at twice what the configuration can execute at once (Model Analyzer's formula), which is
 * about where it saturates, or the nearest load to it.
 */
export function firstLoad(space: Space, configuration: Configuration): Load {
  const target = Math.log2(2 * atOnce(space, configuration))
  const off = (load: Load): number => Math.abs(Math.log2(inferencesOf(load)) - target)
  const [first, ...others] = loadsFor(space, configuration)
  if (first === undefined) throw new GateError('config', 'the search has no load to measure')
  if (first.mode === 'requestRate') return first
  return others.reduce((nearest, load) => (off(load) < off(nearest) ? load : nearest), first)
}

/** What can be executed at once: of several models, where the least can. */
function atOnce({ members }: Space, configuration: Configuration): number {
  const of = ({ dynamicBatching, maxBatchSize, instanceCount }: VariedFields): number =>
    (dynamicBatching ? Math.max(1, maxBatchSize) : 1) * (instanceCount ?? 1)
  if (members === undefined) return of(configuration)
  const own = configuration.instanceCount === null ? [] : [of(configuration)]
  return Math.min(...own, ...members.varied.map((member) => of(fieldsOf(member, configuration))))
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
  const listed = settings.preferredBatchSizes?.filter((sizes) => sizes.every((size) => size <= maxBatchSize))
  const kept = committed.preferredBatchSizes?.filter((size) => size <= maxBatchSize) ?? []
  const preferred = listed === undefined || listed.length === 0 ? [kept] : listed
  const delays = settings.maxQueueDelaysMicroseconds ?? [committed.maxQueueDelayMicroseconds ?? 0]
  return preferred.flatMap((sizes) =>
    delays.map((delay) => ({
      ...(sizes.length === 0 ? {} : { preferredBatchSizes: sizes }),
      ...(delay === 0 ? {} : { maxQueueDelayMicroseconds: delay }),
    })),
  )
}

/** The powers of two in the range; its lower end where it holds none, so that a range is never empty by accident. */
function powersOfTwo({ min, max }: Range): number[] {
  const values: number[] = []
  for (let value = 1; value <= max; value *= 2) if (value >= min) values.push(value)
  return values.length === 0 ? [min] : values
}
