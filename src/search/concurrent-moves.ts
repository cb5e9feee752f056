import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { batchSizeOf, type Load, levelOf, loadKey } from '../domain/load.ts'
import type { ConcurrentModel, ConcurrentPlace } from './concurrent-state.ts'
import { loadsFor, type Space } from './space.ts'

/** A step from one place of several models to the next. */
export interface Move {
  readonly place: ConcurrentPlace
  /** Alike for the same step from anywhere. */
  readonly direction: string
  readonly words: string
}

/**
 * The places one step away, each once: first those that need nothing to be loaded (all loads up or down together, then each
 * model's), then each model's next configurations, those of the weightiest model first. Nothing illegal is among them.
 */
export function movesFrom(models: readonly ConcurrentModel[], home: ConcurrentPlace): Move[] {
  const order = models
    .map((model, index) => ({ model, index }))
    .toSorted((a, b) => b.model.weight - a.model.weight || a.index - b.index)
  return [
    ...([1, -1] as const).flatMap((by) => together(models, home, by)),
    ...order.flatMap(({ model, index }) =>
      ([1, -1] as const).flatMap((by) => {
        const load = shifted(model.space, home, index, by)
        if (load === null) return []
        const loads = home.loads.map((each, other) => (other === index ? load : each))
        return move({ ...home, loads }, `${model.name} load ${sign(by)}`)
      }),
    ),
    ...order.flatMap(({ model, index }) => configurationMoves(model, index, home)),
    ...order.flatMap(({ model, index }) => loadedMoves(model, index, home)),
  ]
}

/** More to execute at once, and more outstanding to fill it. */
function loadedMoves(model: ConcurrentModel, index: number, home: ConcurrentPlace): Move[] {
  return configurationMoves(model, index, home)
    .filter(({ direction }) => direction.endsWith('+'))
    .flatMap(({ place, direction }) => {
      const load = shifted(model.space, place, index, 1)
      if (load === null) return []
      const loads = place.loads.map((each, other) => (other === index ? load : each))
      return move({ ...place, loads }, `${direction}, load +`)
    })
}

function together(models: readonly ConcurrentModel[], home: ConcurrentPlace, by: 1 | -1): Move[] {
  const loads = models.map(({ space }, index) => shifted(space, home, index, by))
  const moved = loads.filter((load) => load !== null)
  return moved.length === models.length ? move({ ...home, loads: moved }, `all loads ${sign(by)}`) : []
}

/** The next heavier or lighter load with requests of the same size; null where there is none that is legal. */
function shifted(space: Space, home: ConcurrentPlace, index: number, by: 1 | -1): Load | null {
  const [load, configuration] = [home.loads[index], home.configurations[index]]
  if (load === undefined || configuration === undefined) return null
  const legal = loadsFor(space, configuration).filter((each) => batchSizeOf(each) === batchSizeOf(load))
  const beyond = legal.filter(
    (each) => each.mode === load.mode && Math.sign(levelOf(each) - levelOf(load)) === by,
  )
  // They are sorted from light to heavy.
  return (by > 0 ? beyond[0] : beyond.at(-1)) ?? null
}

/** The configurations that differ in one field, by the next value in either direction. */
function configurationMoves({ name, space }: ConcurrentModel, index: number, home: ConcurrentPlace): Move[] {
  const own = home.configurations[index]
  const load = home.loads[index]
  if (own === undefined || load === undefined) return []
  const to = (configuration: Configuration | null, direction: string): Move[] => {
    if (configuration === null) return []
    const legal = loadsFor(space, configuration).some((each) => batchSizeOf(each) === batchSizeOf(load))
    const isGated = batchSizeOf(load) <= Math.max(1, configuration.maxBatchSize)
    if (!legal && !isGated) return []
    const configurations = home.configurations.map((each, other) => (other === index ? configuration : each))
    return move({ ...home, configurations }, `${name} ${direction}`)
  }
  const batching = (each: Configuration) =>
    each.dynamicBatching !== own.dynamicBatching &&
    each.instanceCount === own.instanceCount &&
    each.maxBatchSize === own.maxBatchSize
  return [
    ...to(nearest(space, own, 'instanceCount', 1), 'instances +'),
    ...to(nearest(space, own, 'maxBatchSize', 1), 'max_batch_size +'),
    ...to(
      space.configurations.find(batching) ?? null,
      `dynamic batching ${own.dynamicBatching ? 'off' : 'on'}`,
    ),
    ...to(nearest(space, own, 'instanceCount', -1), 'instances -'),
    ...to(nearest(space, own, 'maxBatchSize', -1), 'max_batch_size -'),
    ...space.configurations.flatMap((each) =>
      isListedNeighbour(own, each) ? to(each, othersKey(each)) : [],
    ),
  ]
}

/** Of the configurations that are otherwise the same, the one with the next value; the other fields may follow it where none is. */
function nearest(
  { configurations }: Space,
  own: Configuration,
  field: 'instanceCount' | 'maxBatchSize',
  by: 1 | -1,
): Configuration | null {
  const value = (each: Configuration) => each[field] ?? 0
  const alike = configurations.filter(
    (each) =>
      Math.sign(value(each) - value(own)) === by &&
      configurationKey({ ...each, [field]: own[field] }) === keyBeside(each, own),
  )
  return alike.reduce<Configuration | null>(
    (best, each) =>
      best === null || Math.abs(value(each) - value(own)) < Math.abs(value(best) - value(own)) ? each : best,
    null,
  )
}

/** Where all that is tried has other instance groups (on the CPU) than the committed one, that one has neighbours all the same. */
function keyBeside(each: Configuration, own: Configuration): string {
  const groups = each.fields?.instance_group
  if (!own.committed || groups === undefined) return configurationKey(own)
  return configurationKey({ ...own, fields: { ...own.fields, instance_group: groups } })
}

/** What the user listed beside size and batching (delay, preferred sizes, other fields) differs, and nothing else. */
function isListedNeighbour(own: Configuration, other: Configuration): boolean {
  return (
    own.instanceCount === other.instanceCount &&
    own.maxBatchSize === other.maxBatchSize &&
    own.dynamicBatching === other.dynamicBatching &&
    configurationKey(own) !== configurationKey(other)
  )
}

function othersKey({ preferredBatchSizes, maxQueueDelayMicroseconds, fields }: Configuration): string {
  return JSON.stringify([preferredBatchSizes, maxQueueDelayMicroseconds, fields])
}

function move(place: ConcurrentPlace, direction: string): Move[] {
  return [{ place, direction, words: `${direction}, at ${place.loads.map(loadKey).join(' and ')}` }]
}

function sign(by: 1 | -1): string {
  return by > 0 ? '+' : '-'
}
