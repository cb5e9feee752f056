import { sentTo } from '../domain/conditions.ts'
import type { Environment } from '../domain/environment.ts'
import type { Limits, ModelLimits } from '../domain/limits.ts'
import { listInWords } from '../domain/words.ts'
import { type CompareInput, usableBaseline } from './sides.ts'

/** The keys of `asked` that say what is sent: where one of them differs, so does what is sent, and that is told already. */
const sentKeys = ['shape', 'input-data', 'gate.inputs', 'string-length', 'string-data', 'shared-memory']

/**
 * The models that are sent other data than by the reference's configuration and files, though both configurations say the same, one clause
 * each. Both sides of a run are sent the candidate's, so that lighter ones hide what only the old ones show.
 */
export function sentOtherwise(before: Limits, after: Limits, environment: Environment): string[] {
  return before.models.flatMap(({ name, inputData, asked = {} }) => {
    const own = sentTo(name, environment)
    if (inputData == null || own === undefined || inputData === own) return []
    const now: ModelLimits['asked'] = after.models.find((model) => model.name === name)?.asked
    if (sentKeys.some((key) => asked[key] !== now?.[key])) return []
    const hashes = `sha256 ${inputData.slice(0, 12)} → ${own.slice(0, 12)}`
    return [`${name} is sent other data on both sides, lighter perhaps, under the same names (${hashes})`]
  })
}

/**
 * A sentence where the reference's input data cannot be read, as where git does not have them. The baseline may know that they are the
 * same.
 */
export function unknownDataWarnings(input: CompareInput): string[] {
  const { git, environment } = input.measurements
  if (git?.reference?.status !== 'read') return []
  const stored = usableBaseline(input)?.environment
  const names = git.reference.limits.models
    .filter(({ inputData }) => inputData === null)
    .map(({ name }) => name)
    .filter((name) => {
      const own = sentTo(name, environment)
      return own !== undefined && (stored === undefined || sentTo(name, stored) !== own)
    })
  if (names.length === 0) return []
  return [
    `Whether ${listInWords(names)} would be sent the same data at ${git.reference.commit.slice(0, 7)} is not known: the files cannot be read there. Both sides were sent what is here.`,
  ]
}
