import { configurationKey } from '../domain/configuration.ts'
import { answerOf } from './answer.ts'
import type { SearchState, Step } from './state.ts'
export function nextBruteStep(state: SearchState): Step {
  return { kind: 'done', answer: answerOf(state), reason: configurationKey(state.space.committed) }
}
