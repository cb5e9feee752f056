import type { Environment } from './environment.ts'
import { type ModelMeasurement, modelsBeside, type ScenarioToMeasure } from './scenario.ts'

/** How two measurements of a model lie to each other: by their settings, and by the data that were sent. */
export type Match =
  | { readonly kind: 'same' }
  /** Others only in how often and how long it was measured, of which a number depends by chance alone. */
  | { readonly kind: 'alike' }
  /** Others in what a number means, each with both values. */
  | { readonly kind: 'other'; readonly differences: readonly string[] }
  /**
   * One of the two has one hash of all settings or none, as older versions did, and that is not the other's; or it is known of one of
   * them alone what was sent to the models of `sentUnknown`.
   */
  | { readonly kind: 'unknown'; readonly sentUnknown?: readonly string[] }

/** Two quantities, or perhaps two: nothing is concluded from one on the other, and they are no series. */
export type Otherwise = Extract<Match, { kind: 'other' | 'unknown' }>

export function isOtherwise(match: Match): match is Otherwise {
  return match.kind === 'other' || match.kind === 'unknown'
}

/** What tells how a model is measured: of one that was, or of one that is to be. */
interface MeasuredModel extends Settings {
  readonly name: string
  readonly scenarios: readonly ScenarioToMeasure[]
}

/** What was measured in one environment: a run, or a stored baseline. */
export interface Measured {
  readonly models: readonly MeasuredModel[]
  readonly environment: Pick<Environment, 'inputData'>
}

/**
 * How a model of both was measured then and now. What is under load beside it is part of how: its settings and data slow and speed
 * the model too.
 */
export function matchMeasured(name: string, stored: Measured, current: Measured): Match {
  const own = current.models.find((model) => model.name === name)
  const beside = own === undefined ? [] : modelsBeside(own)
  const matches = [name, ...beside].map((each) => [each, matchOf(each, stored, current)] as const)
  const differences = matches.flatMap(([each, match]) =>
    match.kind !== 'other'
      ? []
      : match.differences.map((text) => (each === name ? text : `${text} (${each}, beside it)`)),
  )
  if (differences.length > 0) return { kind: 'other', differences }
  const sentUnknown = matches.flatMap(([, match]) =>
    match.kind === 'unknown' ? (match.sentUnknown ?? []) : [],
  )
  if (sentUnknown.length > 0) return { kind: 'unknown', sentUnknown }
  const kinds = matches.map(([, { kind }]) => kind)
  return { kind: kinds.includes('unknown') ? 'unknown' : kinds.includes('alike') ? 'alike' : 'same' }
}

function matchOf(name: string, stored: Measured, current: Measured): Match {
  const [then, now] = [stored, current].map(({ models }) => models.find((model) => model.name === name))
  if (then === undefined || now === undefined) return { kind: 'unknown' }
  const settings = matchSettings(then, now)
  const [sent, sends] = [sentTo(name, stored.environment), sentTo(name, current.environment)]
  if (sent === sends) return settings
  const known = settings.kind === 'other' ? settings.differences : []
  if (sent === undefined || sends === undefined)
    return known.length > 0 ? settings : { kind: 'unknown', sentUnknown: [name] }
  const short = (sha256: string) => sha256.slice(0, 12)
  return { kind: 'other', differences: [...known, `input data ${short(sent)} ≠ ${short(sends)}`] }
}

/** The sha256 of what was sent to a model; undefined where it is not known. */
export function sentTo(name: string, { inputData = {} }: Measured['environment']): string | undefined {
  return Object.hasOwn(inputData, name) ? inputData[name] : undefined
}

type Settings = Pick<ModelMeasurement, 'conditions' | 'settingsHash'>

export function matchSettings(stored: Settings, current: Settings): Match {
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
