import { describeConfiguration } from '../domain/configuration-words.ts'
import { loadLabel } from '../domain/load.ts'
import { patchedModels } from '../domain/patched-models.ts'
import { type Best, type ModelResult, patchFile } from '../domain/result.ts'
import { betterThan, committedIsBest, listInWords } from '../domain/words.ts'
import { formatMs, formatThroughput } from './format.ts'
import type { Status } from './table.ts'

/** The sweep's answer for a model. */
export interface BestSection {
  readonly status: Status
  readonly headline: string
  readonly sentences: readonly string[]
  readonly patch: string | null
}

/** @param models all of the run, among which those that were measured at once with it have a part in its answer */
export function bestSection(model: ModelResult, models: readonly ModelResult[]): BestSection | null {
  const { best, constraints } = model
  if (best === null) return null
  const suggested = best.meetsConstraints && !best.configuration.committed && !best.tie
  const files = suggested ? patchesOf(model, best, models) : []
  return {
    status: !best.meetsConstraints ? 'fail' : suggested ? 'info' : 'pass',
    headline: best.load.beside === undefined ? headline(model, best) : headlineBeside(model, best, files),
    sentences: [
      ...(isSaid(best) ? [] : [best.explanation]),
      ...(suggested && constraints.length > 0 ? ['It meets the constraints.'] : []),
      ...patchSentences(best, files),
      ...(suggested ? ['The sweep is a suggestion and does not decide the verdict.'] : []),
    ],
    patch: best.patch,
  }
}

/** Whether the headline has said all, as mostly of a committed configuration that always met the limits. */
function isSaid({ meetsConstraints, configuration, tie, gain, load, explanation }: Best): boolean {
  if (!meetsConstraints || !configuration.committed || tie) return false
  const plain: readonly string[] = Object.values(committedIsBest)
  return load.beside === undefined ? plain.includes(explanation) : gain !== null
}

function headline({ scenarios }: ModelResult, best: Best): string {
  const what = describeConfiguration(best.configuration)
  const at = placeWords(best)
  if (!best.meetsConstraints)
    return `No measured configuration meets the constraints; nearest is ${what} ${at}`
  if (best.tie)
    return `Nothing measured is better beyond the noise than the committed configuration: ${what} ${at}`
  if (!best.configuration.committed) return `${what} ${at}${gainWords(best)}`
  const isAlone = scenarios.every(({ configuration }) => configuration.committed)
  return `The committed configuration is the ${isAlone ? 'only one' : 'best'} measured: ${what} ${at}`
}

/** Of models at once: what is found is a configuration of each, and of it this model's part. */
function headlineBeside(model: ModelResult, best: Best, files: readonly string[]): string {
  const { others: _, ...own } = best.configuration
  const what = describeConfiguration(own)
  const at = placeWords(best)
  const names = listInWords((best.load.beside ?? []).map((each) => each.model))
  if (!best.meetsConstraints)
    return `No measured combination with ${names} meets the constraints of every model; nearest is ${what} ${at}`
  if (best.tie)
    return `No measured combination with ${names} is better beyond the noise than the committed one: ${what} ${at}`
  if (best.configuration.committed)
    return `The committed configurations are the best measured combination with ${names}: ${what} ${at}`
  const part = patchedModels(model, best).includes(model.name) ? what : `as committed, ${what}`
  const made =
    files.length === 0 ? '' : ` (${listInWords(files)}${files.length === 1 ? '' : ', all or none'})`
  return `In one combination with ${names}${made}: ${part} ${at}${gainWords(best)}`
}

function placeWords({ load, metrics: { inferPerSec, latencyP99Ns } }: Best): string {
  const numbers = [
    inferPerSec?.value == null ? '' : formatThroughput(inferPerSec.value),
    latencyP99Ns?.value == null ? '' : `p99 ${formatMs(latencyP99Ns.value)}`,
  ].filter((text) => text !== '')
  return `at ${loadLabel(load)}${numbers.length === 0 ? '' : `: ${numbers.join(', ')}`}`
}

function gainWords({ gain, tie, load }: Best): string {
  if (gain === null || tie) return ''
  const than = load.beside === undefined ? 'the committed configuration' : 'with the committed configurations'
  return ` (${betterThan(gain)} ${than})`
}

/** The files that make the answer: of models at once those of all that it changes, as far as they could be written. */
function patchesOf(model: ModelResult, best: Best, models: readonly ModelResult[]): string[] {
  return patchedModels(model, best)
    .filter((name) => models.some((each) => each.name === name && each.best?.patch != null))
    .map(patchFile)
}

function patchSentences({ load }: Best, files: readonly string[]): string[] {
  const [only, ...more] = files
  if (only === undefined) return []
  if (load.beside === undefined) return [`Its patch is ${only} among the run’s files: git apply takes it.`]
  return [
    more.length === 0
      ? 'The patch is among the run’s files: git apply takes it.'
      : 'The patches are among the run’s files: git apply takes them together.',
  ]
}
