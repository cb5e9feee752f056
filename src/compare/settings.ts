import { type CompareInput, opponentFor } from './sides.ts'
import { listInWords } from './words.ts'

/**
 * Models that a stored baseline measured with other settings, as a sentence: both sides of a run have the same, a file need not. No
 * reason of its own, since more repetitions are such a difference too.
 */
export function settingsWarnings(input: CompareInput): string[] {
  const models = input.measurements.models.filter((model) => {
    const opponent = opponentFor(input, model)
    if (opponent.kind !== 'baseline' || model.settingsHash === undefined) return false
    const stored = opponent.models.find(({ name }) => name === model.name)?.settingsHash
    return stored !== undefined && stored !== model.settingsHash
  })
  if (models.length === 0) return []
  const names = listInWords(models.map(({ name }) => name))
  return [
    `The baseline measured ${names} with other settings (loads, requests, windows, repetitions, or flags of the server): a change may be theirs, and they may hide one. Compare with --reference, which gives both sides the same.`,
  ]
}
