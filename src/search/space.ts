import type { SearchSettings } from '../config/config.ts'
import { type Configuration, configurationKey, type VariedFields } from '../domain/configuration.ts'
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
 * about where it saturates, or the nearest load to it. null where no load is legal for the configuration.
 */
export function firstLoad(space: Space, configuration: Configuration): Load | null {
  const target = Math.log2(2 * atOnce(space, configuration))
  const off = (load: Load): number => Math.abs(Math.log2(inferencesOf(load)) - target)
  const [first, ...others] = loadsFor(space, configuration)
  if (first === undefined) return null
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
