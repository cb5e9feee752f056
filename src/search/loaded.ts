import { type Configuration, configurationKey } from '../domain/configuration.ts'
import type { SearchPoint } from './state.ts'

/** What servers hold, where several can be alive beside each other, each with one configuration of the model. */
export interface Loaded {
  /** The last measured last. */
  readonly configurations: readonly Configuration[]
  /** That are alive: one more for each configuration that failed and was not made up for. */
  readonly servers: number
}

/** What is loaded after these measurements, with `mostServers` at a time. */
export function loadedAfter(points: readonly SearchPoint[], mostServers: number): Loaded {
  return points.reduce<Loaded>(
    (loaded, { configuration, metrics }) => {
      const replaced = replacedBy(loaded, configuration, mostServers)
      const others = without(loaded.configurations, configuration).filter((each) => each !== replaced)
      return {
        configurations: metrics === null ? others : [...others, configuration],
        servers: loaded.servers + (startsServer(loaded, configuration, mostServers) ? 1 : 0),
      }
    },
    { configurations: [], servers: 0 },
  )
}

/**
 * What has to make room for a configuration: that which was measured longest ago, but not the committed one, to which all others
 * are compared, unless there is no other. null where there is room, or it is loaded.
 */
export function replacedBy(
  { configurations }: Loaded,
  configuration: Configuration,
  mostServers: number,
): Configuration | null {
  if (has(configurations, configuration) || configurations.length < mostServers) return null
  return configurations.find(({ committed }) => !committed) ?? configurations[0] ?? null
}

/** Whether a configuration needs one more server: it is not loaded, and no server is free or is to be freed for it. */
export function startsServer(loaded: Loaded, configuration: Configuration, mostServers: number): boolean {
  const { configurations, servers } = loaded
  return (
    !has(configurations, configuration) &&
    replacedBy(loaded, configuration, mostServers) === null &&
    configurations.length === servers
  )
}

function has(configurations: readonly Configuration[], configuration: Configuration): boolean {
  return without(configurations, configuration).length < configurations.length
}

function without(
  configurations: readonly Configuration[],
  configuration: Configuration,
): readonly Configuration[] {
  const key = configurationKey(configuration)
  return configurations.filter((each) => configurationKey(each) !== key)
}
