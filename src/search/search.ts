import type { SearchSettings } from '../config/config.ts'
import { nextBruteStep } from './brute.ts'
import { nextQuickStep } from './quick.ts'
import type { SearchState, Step } from './state.ts'

/** The next measurement of a search, or its answer. Pure: the same state gives the same step. */
export function nextStep(mode: SearchSettings['mode'], state: SearchState): Step {
  switch (mode) {
    case 'quick':
      return nextQuickStep(state)
    case 'brute':
      return nextBruteStep(state)
    default:
      throw new Error('x')
  }
}
