import type { ModelConfig } from '../proto/model_config_pb.js'
import type { TritonClient } from './client.ts'

/** A model that another one needs to answer. */
export interface ComposingPart {
  readonly model: string
  /** An ensemble's step, or called by a model's code. */
  readonly via: 'step' | 'call'
  /** How often each request asks it; null where that cannot be known beforehand. */
  readonly perRequest: number | null
}

/**
 * The models behind a loaded one: an ensemble's steps in their order, those of ensembles among them too, then `called`,
 * which code calls (business logic scripting) as often as it likes. Empty for any other model.
 */
export async function composingParts(
  client: Pick<TritonClient, 'modelConfig'>,
  resolved: ModelConfig,
  called: readonly string[],
): Promise<ComposingPart[]> {
  const parts = new Map<string, ComposingPart>()
  const add = (model: string, via: ComposingPart['via']) => {
    const earlier = parts.get(model) ?? { model, via, perRequest: 0 }
    const known = earlier.perRequest !== null && via === 'step'
    parts.set(model, { ...earlier, perRequest: known ? earlier.perRequest + 1 : null })
  }
  let decoupled = false
  const visit = async (config: ModelConfig, via: ComposingPart['via']): Promise<void> => {
    decoupled ||= config.modelTransactionPolicy?.decoupled === true
    const scheduling = config.schedulingChoice
    if (scheduling.case !== 'ensembleScheduling') return
    for (const { modelName } of scheduling.value.step) {
      add(modelName, via)
      await visit(await client.modelConfig(modelName), via)
    }
  }
  await visit(resolved, 'step')
  for (const model of called) {
    add(model, 'call')
    await visit(await client.modelConfig(model), 'call')
  }
  // A step behind a decoupled one runs for each of its responses.
  return [...parts.values()].map((part) => (decoupled ? { ...part, perRequest: null } : part))
}
