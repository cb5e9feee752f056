import { type Configuration, type VariedFields, variedKey } from '../domain/configuration.ts'
import { fieldsOf, type Member, type Members, withMember } from './members.ts'
import { sameConfiguration } from './state.ts'

/** A model that can be changed in a combination: a member, or the gated model itself. */
export interface Mover {
  readonly name: string
  readonly fields: (configuration: Configuration) => VariedFields
  readonly variants: (from: Configuration) => readonly Configuration[]
}

export function movers(members: Members, own: readonly Configuration[]): Mover[] {
  const others = members.varied.map((member: Member) => ({
    name: member.name,
    fields: (configuration: Configuration) => fieldsOf(member, configuration),
    variants: (from: Configuration) =>
      effective(members, member).map((fields) => withMember(members, from, member, fields)),
  }))
  const self: Mover = {
    name: members.top,
    fields: ({ others: _, committed: __, ...fields }) => fields,
    variants: (from) => own.map((each) => withOwn(members, from, each)),
  }
  return own.length > 1 ? [...others, self] : others
}

/** Without the batcher max_batch_size says only how large a request may be. */
function effective({ largestClientBatch }: Members, { variants, committed }: Member): VariedFields[] {
  return variants.filter(
    ({ dynamicBatching, maxBatchSize }) =>
      dynamicBatching || largestClientBatch > 1 || maxBatchSize === committed.maxBatchSize,
  )
}

function withOwn(members: Members, from: Configuration, own: Configuration): Configuration {
  const together = from.others === undefined ? own : { ...own, committed: false, others: from.others }
  return sameConfiguration(together, members.committed) ? members.committed : together
}

/** Whether a combination is at least as large as another in every model: instances and max_batch_size. */
export function atLeast(members: Members, one: Configuration, other: Configuration): boolean {
  const all = movers(members, [one, other])
  return all.every((mover) => {
    const [a, b] = [mover.fields(one), mover.fields(other)]
    return (a.instanceCount ?? 0) >= (b.instanceCount ?? 0) && a.maxBatchSize >= b.maxBatchSize
  })
}

/** One step of a model: more instances, the batcher the other way, fewer instances; as far as there are such variants. */
export function neighbours({ fields, variants }: Mover, from: Configuration): Configuration[] {
  const current = fields(from)
  const all = variants(from).map((configuration) => ({ configuration, fields: fields(configuration) }))
  const alike = (change: Partial<VariedFields>) =>
    all.filter((each) => variedKey({ ...each.fields, ...change }) === variedKey({ ...current, ...change }))
  const counts = alike({ instanceCount: null })
    .filter((each) => each.fields.instanceCount !== current.instanceCount)
    .toSorted((a, b) => (a.fields.instanceCount ?? 0) - (b.fields.instanceCount ?? 0))
  const up = counts.find((each) => (each.fields.instanceCount ?? 0) > (current.instanceCount ?? 0))
  const down = counts.findLast((each) => (each.fields.instanceCount ?? 0) < (current.instanceCount ?? 0))
  const other = all.find(
    (each) =>
      each.fields.dynamicBatching !== current.dynamicBatching &&
      each.fields.instanceCount === current.instanceCount &&
      each.fields.maxBatchSize === current.maxBatchSize,
  )
  return [up, other, down].flatMap((each) => each?.configuration ?? [])
}
