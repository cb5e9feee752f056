import { loadKey } from '../domain/load.ts'
import type { ModelResult } from '../domain/result.ts'
import { gatedScenarios, type Scenario } from '../domain/scenario.ts'

/** One side's measurement of the committed configuration at one load. */
export interface Side {
  readonly label: string
  readonly candidate: boolean
  readonly scenario: Scenario
}

/** For each gated load its sides, the reference (where there is one) above the candidate. */
export function sidesByLoad(model: ModelResult, candidateLabel: string): readonly (readonly Side[])[] {
  const references = gatedScenarios({ scenarios: model.referenceScenarios })
  return gatedScenarios(model).map((candidate) => {
    const reference = references.find(({ load }) => loadKey(load) === loadKey(candidate.load))
    return [
      ...(reference === undefined ? [] : [{ label: 'Reference', candidate: false, scenario: reference }]),
      { label: candidateLabel, candidate: true, scenario: candidate },
    ]
  })
}
