import type { SearchSettings } from '../config/config.ts'
import type { Configuration, VariedFields } from '../domain/configuration.ts'
import { listInWords } from '../domain/words.ts'
import { type ModelRepository, modelClosure } from '../repository/repository.ts'

/** A max_batch_size below which a search does not go, since of what is sent to the model more is not measured with it. */
export interface BatchFloor {
  readonly model: string
  /** 0 = none. */
  readonly maxBatchSize: number
  readonly committed: VariedFields
  /** Ensembles that may send as much, though they are not measured; empty where it is code whose requests are not known. */
  readonly ensembles: readonly string[]
}

/**
 * Of a model that `top` needs, or of `top` itself: the largest batch that ensembles of the repository beyond those of `top` may send it,
 * directly or through an ensemble of `top`'s, since Triton does not load an ensemble that takes more than one of its steps; and the
 * committed one, where what is sent to it is not known.
 */
export function batchFloor(
  repository: ModelRepository,
  top: string,
  model: string,
  committed: VariedFields,
  keepsBatch: boolean,
): BatchFloor {
  const inside = modelClosure(repository, top)
  const through = inside.filter((each) => modelClosure(repository, each).includes(model))
  const beyond = [...repository.models.values()].filter(
    (each) => !inside.includes(each.name) && each.dependencies.some((step) => through.includes(step)),
  )
  const asked = Math.max(0, ...beyond.map(({ config }) => config?.maxBatchSize ?? 0))
  const kept = keepsBatch ? committed.maxBatchSize : 0
  const ensembles = beyond.filter(({ config }) => asked >= kept && config?.maxBatchSize === asked)
  return {
    model,
    maxBatchSize: Math.max(kept, asked),
    committed,
    ensembles: ensembles.map(({ name }) => name),
  }
}

/** The floor, where it leaves anything out: what is listed is tried, and a range may begin no lower. */
export function floorsOf(
  { maxBatchSizes, modelBatchSize, mode }: SearchSettings,
  floor: BatchFloor,
): BatchFloor[] {
  const isSearched = maxBatchSizes === null && mode !== 'manual' && mode !== 'off'
  return isSearched && floor.maxBatchSize > modelBatchSize.min ? [floor] : []
}

/** The floors on which the configuration lies, a clause each: a search without them might have gone below. */
export function floorWords(
  floors: readonly BatchFloor[],
  top: string,
  configuration: Configuration,
): string[] {
  return floors
    .filter(({ model, maxBatchSize, committed }) => {
      const fields = model === top ? configuration : (configuration.others?.[model] ?? committed)
      return fields.maxBatchSize === maxBatchSize
    })
    .map(({ model, maxBatchSize, ensembles }) => {
      const why =
        ensembles.length === 0
          ? 'what is sent to it is not known'
          : `${listInWords(ensembles)}, not measured here, may send it as many`
      return `max_batch_size of ${model} was tried from ${maxBatchSize} upwards only, since ${why}`
    })
}
