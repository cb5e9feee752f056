import { type Load, loadKey, ownLoad } from '../domain/load.ts'
import type { Comparison } from '../domain/result.ts'
import { listInWords } from '../domain/words.ts'
import type { ComparedModel } from './compare.ts'
import { type CompareInput, opponentFor } from './sides.ts'
import { shareInWords } from './words.ts'

/** A neighbour that answers this much more takes that much more of the server: a cause of its own. */
const noticeable = 1.05

/**
 * The failing rows of models that were under load at once, each with whose files changed. A model can get worse by what runs
 * beside it; whose doing it is, their files tell and no number does.
 */
export function withNeighbours<Model extends ComparedModel>(
  models: readonly Model[],
  input: CompareInput,
): Model[] {
  return models.map((model) => ({
    ...model,
    comparisons: model.comparisons.map((row) => {
      const cause = row.status === 'fail' ? causeOf(model.name, row, models, input) : null
      return cause === null ? row : { ...row, cause }
    }),
  }))
}

function causeOf(
  model: string,
  row: Comparison,
  models: readonly ComparedModel[],
  input: CompareInput,
): string | null {
  const neighbours = (row.load.beside ?? []).map((each) => each.model)
  if (neighbours.length === 0) return null
  const own = isChanged(model, input)
  const states = neighbours.map((name) => ({ name, changed: isChanged(name, input) }))
  if (own === null || states.some(({ changed }) => changed === null)) return null
  const changed = states.filter((state) => state.changed === true).map(({ name }) => name)
  const others = listInWords(changed)
  const busier = busierOnes(model, row.load, models)
  const more = busier.length === 0 ? '' : `; ${busier.join(', ')}`
  if (own && changed.length > 0)
    return `Both its own files and those of ${others} beside it changed: which of them slows it was not measured apart${more}.`
  if (own) return `Its own files changed, and those of no other model beside it${more}.`
  if (changed.length > 0)
    return `Not its own files, which did not change: it was measured beside ${others}, which did${more}.`
  return `No file of the models that were measured at once changed: look for the cause outside the model repository${more}.`
}

/** Whether anything of its files, or of the models that it needs, differs; null where that is not known. */
function isChanged(name: string, input: CompareInput): boolean | null {
  const candidate = input.measurements.models.find((model) => model.name === name)
  if (candidate === undefined) return null
  const opponent = opponentFor(input, candidate)
  const other = opponent.kind === 'none' ? undefined : opponent.models.find((model) => model.name === name)
  if (candidate.contentHash === null || other === undefined || other.contentHash === null) return null
  return candidate.contentHash !== other.contentHash
}

/** In a closed loop a model that answers sooner is asked for more, at the cost of those beside it. */
function busierOnes(model: string, load: Load, models: readonly ComparedModel[]): string[] {
  const step = stepKey(model, load)
  return models.flatMap(({ name, comparisons }) => {
    const throughput = comparisons.find(
      (row) => row.metric === 'inferPerSec' && stepKey(name, row.load) === step,
    )
    const ratio = throughput?.changeRatio ?? 1
    if (name === model || ratio <= noticeable) return []
    return [`${name} now answers ${shareInWords(ratio - 1)} more`]
  })
}

/** What is under load at once, whichever of the models is spoken of. */
function stepKey(model: string, load: Load): string {
  const all = [{ model, load: ownLoad(load) }, ...(load.beside ?? [])]
  return all
    .map((each) => `${each.model}@${loadKey(each.load)}`)
    .sort()
    .join(' ')
}
