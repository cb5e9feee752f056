import type { SearchSettings } from '../config/config.ts'
import { answerOf } from './answer.ts'
import { nextBruteStep, nextManualStep } from './brute.ts'
import { nextJointStep } from './joint.ts'
import { nextQuickStep } from './quick.ts'
import type { SearchState, Step } from './state.ts'

/** The next measurement of a search, or its answer. Pure: the same state gives the same step. */
export function nextStep(mode: SearchSettings['mode'], state: SearchState): Step {
  switch (mode) {
    case 'quick':
      return state.space.members === undefined
        ? nextQuickStep(state)
        : nextJointStep(state, state.space.members)
    case 'brute':
      return nextBruteStep(state)
    case 'manual':
      return nextManualStep(state)
    case 'off':
      return { kind: 'done', answer: answerOf(state), reason: 'the search is off' }
    default:
      return mode satisfies never
  }
}
