import type { ModelMeasurement } from './scenario.ts'

/** How the settings of two measurements of a model lie to each other. */
export type SettingsMatch =
  | { readonly kind: 'same' }
  /** Others only in how often and how long it was measured, of which a number depends by chance alone. */
  | { readonly kind: 'alike' }
  /** Others in what a number means, each with both values. */
  | { readonly kind: 'other'; readonly differences: readonly string[] }
  /** One of the two has one hash of all settings or none, as older versions did, and that is not the other's. */
  | { readonly kind: 'unknown' }

type Settings = Pick<ModelMeasurement, 'conditions' | 'settingsHash'>

export function matchSettings(stored: Settings, current: Settings): SettingsMatch {
  const isSame = stored.settingsHash !== undefined && stored.settingsHash === current.settingsHash
  if (stored.conditions === undefined || current.conditions === undefined)
    return { kind: isSame ? 'same' : 'unknown' }
  const differences = conditionChanges(stored.conditions, current.conditions).map(
    ({ key, before, after }) => `${key} ${before} ≠ ${after}`,
  )
  if (differences.length > 0) return { kind: 'other', differences }
  return { kind: stored.settingsHash === current.settingsHash ? 'same' : 'alike' }
}

interface ConditionChange {
  readonly key: string
  readonly before: string
  readonly after: string
}

/** What differs between two records of settings, by key; `none` where one says nothing. */
export function conditionChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): ConditionChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys
    .filter((key) => before[key] !== after[key])
    .map((key) => ({ key, before: shortened(before[key]), after: shortened(after[key]) }))
}

/** Values that are listed by hand may be long. */
const mostCharacters = 80

function shortened(text = 'none'): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`
}
