import type { ModelSettings } from '../config/config.ts'
import type { Comparison } from '../domain/result.ts'
import { highestMemory, type Repetition, type Scenario, validRepetitions } from '../domain/scenario.ts'
import { type Draft, settledDraft } from './draft.ts'
import { memoryLimitBytes } from './worse.ts'

const metric = 'gpuMemoryBytes'

/**
 * GPU memory is nearly the same in every start, so it needs no test: the highest repetition of each side, and no more
 * growth than the tolerance. Not compared where neither side has it (no GPU). Where a GPU could not be read, on
 * one side or both, or the sides were read in different ways, the row is invalid: a reading that got lost must not hide
 * a growth. The row says how it was read.
 */
export function draftMemory(
  settings: ModelSettings,
  against: Comparison['against'],
  referenceScenario: Scenario,
  candidateScenario: Scenario,
  baselineValue: number | null,
): Draft | null {
  const [references, candidates] = [referenceScenario, candidateScenario].map(validRepetitions) as [
    Repetition[],
    Repetition[],
  ]
  const [reference, candidate] = [highestMemory(references), highestMemory(candidates)]
  const start = { metric, load: candidateScenario.load, against, baselineValue } as const
  const sources = sourcesOf(referenceScenario, candidateScenario)
  if (reference === null && candidate === null) {
    if (sources.length === 0) return null
    return settledDraft({ ...start, tolerance: 0 }, { status: 'invalid', footnotes: sources })
  }
  if (reference === null || candidate === null) {
    const lost = reference === null ? `the ${against}` : 'the candidate'
    return settledDraft(
      { ...start, tolerance: 0 },
      { status: 'invalid', reference, candidate, footnotes: [`no GPU memory reading of ${lost}`] },
    )
  }
  if (sources.length > 1) {
    const footnotes = ['GPU memory was not read in the same way on both sides', ...sources]
    return settledDraft({ ...start, tolerance: 0 }, { status: 'invalid', reference, candidate, footnotes })
  }
  const limit = memoryLimitBytes(settings, reference)
  const tolerance = reference > 0 ? limit / reference - 1 : 0
  return settledDraft(
    { ...start, tolerance },
    {
      status: candidate > limit ? 'fail' : 'pass',
      reference,
      candidate,
      changeRatio: reference > 0 ? candidate / reference : null,
      repetitions: Math.min(references.length, candidates.length),
      footnotes: sources,
    },
  )
}

/** In words, how the memory was read or why it was not; each once. */
function sourcesOf(...scenarios: readonly Scenario[]): string[] {
  return [...new Set(scenarios.flatMap(({ metrics }) => metrics[metric]?.reason ?? []))]
}
