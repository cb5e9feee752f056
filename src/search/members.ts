import type { SearchSettings } from '../config/config.ts'
import {
  type Configuration,
  configurationKey,
  type VariedFields,
  variedKey,
  withOther,
} from '../domain/configuration.ts'

/** A further model whose configuration is varied together with the gated one's. */
export interface Member {
  readonly name: string
  readonly committed: VariedFields
  /** What may be tried of it, the committed one first, each once. */
  readonly variants: readonly VariedFields[]
}

/** An ensemble, whose max_batch_size follows from its steps'. */
export interface Ensemble {
  readonly name: string
  readonly committed: VariedFields
  /** The models of its steps with their committed max_batch_size; null where that is not known. */
  readonly steps: readonly { readonly name: string; readonly maxBatchSize: number | null }[]
}

export interface Members {
  readonly varied: readonly Member[]
  /** Those inside of others first. */
  readonly ensembles: readonly Ensemble[]
  /** The gated model, which may be an ensemble itself, and its committed configuration. */
  readonly top: string
  readonly committed: Configuration
  /** The largest client batch that is asked: what needs no larger ensemble gets none. */
  readonly largestClientBatch: number
}

/** What a model is in a configuration. */
export function fieldsOf(
  { committed, name }: Pick<Member, 'committed' | 'name'>,
  configuration: Configuration,
): VariedFields {
  return configuration.others?.[name] ?? committed
}

/**
 * The configuration with one member in another, and its ensembles' max_batch_size as far down, or up, as that asks: Triton
 * refuses an ensemble that takes larger batches than one of its steps. It is raised above the committed one only as far as
 * a client batch needs it, since an ensemble itself batches nothing, and stays where none of its steps is varied.
 */
export function withMember(
  members: Members,
  configuration: Configuration,
  member: Member,
  fields: VariedFields,
): Configuration {
  return settled(members, withOther(configuration, member.name, fields, member.committed))
}

function settled(members: Members, configuration: Configuration): Configuration {
  const made = withEnsembles(members, configuration)
  return configurationKey(made) === configurationKey(members.committed)
    ? members.committed
    : { ...made, committed: false }
}

function withEnsembles({ ensembles, top, largestClientBatch }: Members, from: Configuration): Configuration {
  let made = from
  for (const { name, committed, steps } of ensembles) {
    // Its inputs have no batch dimension, and keep none.
    if (committed.maxBatchSize === 0) continue
    const { others = {} } = made
    const smallest = Math.min(
      ...steps.map((step) => others[step.name]?.maxBatchSize ?? step.maxBatchSize ?? committed.maxBatchSize),
    )
    const moves = steps.some((step) => others[step.name] !== undefined)
    const maxBatchSize = moves
      ? Math.min(smallest, Math.max(committed.maxBatchSize, largestClientBatch))
      : committed.maxBatchSize
    made =
      name === top
        ? { ...made, maxBatchSize }
        : withOther(made, name, { ...committed, maxBatchSize }, committed)
  }
  return made
}

/** More than that nobody measures: at three seconds each it takes eight hours. */
export const mostCombinations = 10_000

/**
 * Every combination of the given configurations of the gated model with the members' variants, the last member's changing
 * fastest; the first `mostCombinations` of them.
 */
export function combinations(members: Members, own: readonly Configuration[]): Configuration[] {
  return members.varied.reduce<Configuration[]>(
    (made, member) =>
      limited(made, (configuration) =>
        member.variants.map((fields) => withMember(members, configuration, member, fields)),
      ),
    [...own],
  )
}

function limited(made: readonly Configuration[], more: (one: Configuration) => Configuration[]) {
  const all: Configuration[] = []
  for (const one of made) {
    if (all.length >= mostCombinations) break
    all.push(...more(one))
  }
  return all.slice(0, mostCombinations)
}

/** How many combinations there are, tried or not. */
export function combinationCount({ varied }: Members, own: number): number {
  return varied.reduce((count, { variants }) => count * variants.length, own)
}

/** Whether every further model in it is one of its variants, and every ensemble as these ask. */
export function isCombination(members: Members, configuration: Configuration): boolean {
  const followers = new Set(members.ensembles.map(({ name }) => name))
  const known = Object.entries(configuration.others ?? {}).every(([name, fields]) => {
    const member = members.varied.find((each) => each.name === name)
    if (member === undefined) return followers.has(name)
    return member.variants.some((variant) => variedKey(variant) === variedKey(fields))
  })
  if (!known) return false
  return configurationKey(settled(members, configuration)) === configurationKey(configuration)
}

/** The settings with max_batch_size searched from `least` upwards: what is asked of the model by others. What is listed stays. */
export function withLeastBatch(settings: SearchSettings, leastBatch: number): SearchSettings {
  const { min, max } = settings.modelBatchSize
  const least = Math.max(min, leastBatch)
  return { ...settings, modelBatchSize: { min: least, max: Math.max(least, max) } }
}
