import type { Configuration, VariedFields } from '../../src/domain/configuration.ts'
import type { Load } from '../../src/domain/load.ts'
import { fieldsOf, type Members } from '../../src/search/members.ts'
import type { Space } from '../../src/search/space.ts'
import { playPipeline, type Stage } from './pipeline.ts'

/** A composing model as the simulation runs it. */
interface Part {
  readonly model: string
  readonly committed: VariedFields
  readonly ms: number
  /** Share of the time that a batch pays once. */
  readonly fixed: number
  readonly processors: number | null
}

export const part = (model: string, ms: number, change: Partial<Part & VariedFields> = {}): Part => {
  const { fixed = 0.5, processors = null, instanceCount = 1, dynamicBatching = false } = change
  return { model, ms, fixed, processors, committed: { instanceCount, maxBatchSize: 8, dynamicBatching } }
}

export const ensembleTop: Configuration = {
  committed: true,
  instanceCount: null,
  maxBatchSize: 8,
  dynamicBatching: false,
}

export interface EnsembleScene {
  readonly space: Space
  readonly members: Members
  readonly play: (configuration: Configuration, load: Load) => ReturnType<typeof playPipeline>
}

/** An ensemble of the parts with up to `most` instances of each, the batcher on and off. */
export function scene(parts: readonly Part[], most = 4): EnsembleScene {
  const variants = ({ committed }: Part): VariedFields[] => [
    committed,
    ...Array.from({ length: most }, (_, i) => i + 1).flatMap((instanceCount) =>
      [false, true].map((dynamicBatching) => ({ instanceCount, maxBatchSize: 8, dynamicBatching })),
    ),
  ]
  const varied = parts.map((each) => ({
    name: each.model,
    committed: each.committed,
    variants: variants(each).filter((one, i, all) => all.findIndex((other) => sameFields(one, other)) === i),
  }))
  const steps = parts.map(({ model }) => ({ name: model, maxBatchSize: 8 }))
  const members: Members = {
    varied,
    ensembles: [{ name: 'all', committed: ensembleTop, steps }],
    top: 'all',
    committed: ensembleTop,
    largestClientBatch: 1,
  }
  const loads = [1, 2, 4, 8, 16].map((concurrency): Load => ({ mode: 'concurrency', concurrency }))
  const space: Space = {
    committed: ensembleTop,
    configurations: [ensembleTop],
    loads,
    divisible: true,
    members,
  }
  const play = (configuration: Configuration, load: Load) => {
    const stages = parts.map((each, i): Stage => {
      const fields = fieldsOf(varied[i] as (typeof varied)[number], configuration)
      return {
        model: each.model,
        instances: fields.instanceCount ?? 1,
        largestBatch: fields.dynamicBatching ? fields.maxBatchSize : 1,
        executionMs: (batch) => each.ms * (each.fixed + (1 - each.fixed) * batch),
        processors: each.processors,
      }
    })
    return playPipeline(stages, load.mode === 'concurrency' ? load.concurrency : 1)
  }
  return { space, members, play }
}

const sameFields = (a: VariedFields, b: VariedFields) => JSON.stringify(a) === JSON.stringify(b)
