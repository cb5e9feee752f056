import type { Configuration } from '../domain/configuration.ts'
import { instancesOf } from './memory.ts'
import type { Space } from './space.ts'

/** What twice the instances of all models have to bring at least: they take memory, and tell the next reader that they are needed. */
const perDoubling = 0.02
/** What a change of one more model has to bring: each is a file to review. */
const perModel = 0.02

/**
 * What a configuration of several models has to be better by than the committed one to be worth it, in the score's terms (about a
 * ratio). Without it noise of a per cent would decide how many models a patch changes. 0 where one model is varied alone.
 */
export function effortOf(configuration: Configuration, { members, committed }: Space): number {
  if (members === undefined) return 0
  const { others = {} } = configuration
  const changed = members.varied.filter(({ name }) => others[name] !== undefined).length
  const grown = instancesOf(configuration, members) / instancesOf(committed, members)
  return perModel * changed + perDoubling * Math.max(0, Math.log2(grown))
}
