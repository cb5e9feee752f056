import type { ModelResult } from '../domain/result.ts'
import { listInWords } from '../domain/words.ts'

/**
 * For each best configuration that changes models of which others are made, too, a sentence: those were not measured with it, and
 * what is best for them may change the same file in another way.
 */
export function sharedChangeWarnings(
  models: readonly Pick<ModelResult, 'name' | 'best' | 'otherConfigTexts'>[],
): string[] {
  return models.flatMap(({ name, best }) => {
    // Those beside it were measured with it.
    if (best === null || best.patch === null || best.load.beside !== undefined) return []
    const { others = {} } = best.configuration
    const changed = [name, ...Object.keys(others)]
    const affected = models
      .filter((other) => other.name !== name)
      .filter((other) =>
        changed.some((each) => each === other.name || other.otherConfigTexts?.[each] != null),
      )
      .map((other) => other.name)
    if (affected.length === 0) return []
    const was = affected.length === 1 ? 'was' : 'were'
    return [
      `The best configuration of ${name} changes ${listInWords(Object.keys(others).length === 0 ? [name] : Object.keys(others))}, and with that ${listInWords(affected)}, which ${was} not measured so: apply one patch at a time, and measure again.`,
    ]
  })
}
