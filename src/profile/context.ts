import type { Config } from '../config/config.ts'
import type { AttributionMeasurement } from '../domain/attribution.ts'
import { GateError } from '../domain/error.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import type { World } from '../domain/world.ts'
import type { InputData } from '../load/read-inputs.ts'
import type { EngineContext } from './engine.ts'
import type { AskSettings, SideContext } from './side.ts'

export interface ProfileContext extends SideContext, EngineContext {
  readonly config: Config
  /** Of all GPUs that are read; null where there is none. */
  readonly gpuMemoryTotalBytes: number | null
  /** What is sent to each model, on both sides. */
  readonly inputs: ReadonlyMap<string, InputData>
}

/** What is sent to a model, and how. */
export function askOf({ config, inputs }: ProfileContext, model: string): AskSettings {
  const input = inputs.get(model)
  if (input === undefined) throw new GateError('internal', `no input data were read for model '${model}'`)
  return { input, requests: config.settingsFor(model).requests }
}

/** What was measured of one model: the candidate, and the reference where there is one. */
export interface ModelSides {
  readonly candidate: ModelMeasurement
  readonly reference: ModelMeasurement | null
  /** Why the candidate is worse, where that was confirmed. */
  readonly attribution?: AttributionMeasurement
}

/** With what a user should know beside the numbers, each once. */
export function withWarnings(sides: ModelSides, warnings: readonly string[]): ModelSides {
  const { candidate } = sides
  return {
    ...sides,
    candidate: { ...candidate, warnings: [...new Set([...candidate.warnings, ...warnings])] },
  }
}

/** Throws where a signal asked to stop: what was measured until then has been saved. */
export function interruptIfAsked(world: World): void {
  if (world.signal.aborted) {
    throw new GateError('interrupted', 'interrupted: nothing is judged from half a measurement', {
      hint: 'What was measured until then is in measurements.json, marked as not complete; --resume goes on with it.',
    })
  }
}
