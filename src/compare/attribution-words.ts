import type {
  AttributedChange,
  Attribution,
  AttributionMeasurement,
  AttributionRound,
  CausePart,
  FieldChange,
  ModelChanges,
} from '../domain/attribution.ts'
import { loadLabel } from '../domain/load.ts'
import { metrics } from '../domain/metric.ts'
import { countInWords, listInWords, withMinus } from '../domain/words.ts'

/** More changes than this are counted, not named. */
const maxNamed = 3
/** JSON of a whole message may be longer than a sentence. */
const maxValueLength = 40

/** `48 of 53 %`: the part of the change in the reader's unit, by its share on the log scale. */
export function changeWords(
  { changeRatio, parts }: Omit<AttributedChange, 'words'>,
  changes: ModelChanges,
): string {
  const percent = Math.abs(changeRatio - 1) * 100
  const points = (share: number) => withMinus((share * percent).toFixed(percent < 10 ? 1 : 0))
  const main = parts.filter(({ part }) => part !== 'interaction').toSorted((a, b) => b.share - a.share)
  const clauses = main.map((part, index) => {
    const [low, high] = part.shareInterval
    const size = `${points(part.share)}${index === 0 ? ` of ${points(1)} %` : ''}`
    return `${partName(part, changes)}${index === 0 ? ' explains' : ''} ${size} (95 % interval ${points(low)} to ${points(high)})`
  })
  const both = parts.find(({ part }) => part === 'interaction')
  const together =
    both !== undefined && isSeen(both) && Math.abs(both.share) >= notedShare
      ? [`${points(both.share)} come only of both together, half of it counted in each`]
      : []
  return [...clauses, ...together].join(', ')
}

/** What is below a tenth of the change is not worth a clause. */
const notedShare = 0.1

function isSeen({ shareInterval: [low, high] }: CausePart): boolean {
  return low > 0 || high < 0
}

function partName({ part, field }: CausePart, changes: ModelChanges): string {
  switch (part) {
    case 'config': {
      const [only, ...others] = changes.fields
      if (only === undefined || others.length > 0) return 'config.pbtxt'
      return `config.pbtxt (${fieldInWords(only, changes.fields)})`
    }
    case 'code':
      return 'model files'
    case 'interaction':
      return 'both together'
    case 'field': {
      const change = changes.fields[field ?? -1]
      return change === undefined ? 'a field' : fieldInWords(change, changes.fields)
    }
    default:
      return part satisfies never
  }
}

/** The first sentence says it all; those after it what could not be measured and why. */
export function attributionSentences(
  { changes, cause, origin, fields }: Omit<Attribution, 'sentences'>,
  measurement: AttributionMeasurement,
): string[] {
  const byField = fields.map(changeSentence)
  const skippedFields =
    changes.fields.length > 1 && (cause === 'config' || cause === 'both') && fields.length === 0
      ? [`The fields were not told apart: ${whyNot(measurement.fields)}.`]
      : []
  const more = [...byField, ...skippedFields, ...brokenFields(measurement)]
  const config = `config.pbtxt (${fieldsInWords(changes.fields)})`
  const files = `model files (${filesInWords(changes)})`
  switch (cause) {
    case 'neither':
      return [
        'Nothing that belongs to the model differs from the reference, neither config.pbtxt nor any other file: look for the cause outside the model repository.',
      ]
    case 'config':
    case 'code':
    case 'both':
    case 'unclear': {
      if (changes.files.length === 0)
        return [`config.pbtxt is all that changed: ${fieldsInWords(changes.fields)}.`, ...more]
      if (changes.fields.length === 0)
        return [`Model files are all that changed, config.pbtxt is the same: ${filesInWords(changes)}.`]
      const head = {
        config: dueTo(config, files, 'code', origin),
        code: dueTo(files, config, 'config', origin),
        both: `Due to both ${config} and ${files}.`,
        unclear: `It cannot be said whether ${config} or ${files} is the cause: ${origin.length === 0 ? 'too few repetitions count on every side' : 'the measurement is too noisy'}.`,
      }[cause]
      return [head, ...origin.map(changeSentence), ...brokenMixes(measurement), ...more]
    }
    case 'inseparable':
      return [
        `Whether ${config} or ${files} is the cause cannot be told apart: ${failuresInWords(measurement.origin)}.`,
      ]
    case 'unmeasured':
      return [
        `Changed are ${config} and ${files}. Which of them is the cause was not measured: ${whyNot(measurement.origin)}.`,
      ]
    default:
      return cause satisfies never
  }
}

/** The other one is not called innocent where it is seen to do a little. */
function dueTo(
  cause: string,
  other: string,
  part: CausePart['part'],
  origin: readonly AttributedChange[],
): string {
  const does = origin.some(({ parts }) => parts.some((each) => each.part === part && isSeen(each)))
  return does ? `Mainly due to ${cause}, less to ${other}.` : `Due to ${cause}, not to ${other}.`
}

function changeSentence({ metric, load, words }: AttributedChange): string {
  return `Of ${metrics[metric].label} at ${loadLabel(load)}, ${words}.`
}

function whyNot(round: AttributionRound): string {
  return round.status === 'skipped' ? round.why : 'too few repetitions count on every side'
}

function brokenMixes({ origin }: AttributionMeasurement): string[] {
  const why = failuresInWords(origin)
  return why === '' ? [] : [`In one order only, since ${why}.`]
}

function failuresInWords(origin: AttributionRound): string {
  if (origin.status === 'skipped') return ''
  return origin.sides
    .filter(({ error }) => error !== undefined)
    .map(({ side, error = '' }) => {
      const mix =
        side === 'config'
          ? "the reference's files do not work with the new config.pbtxt"
          : side === 'code'
            ? "the new files do not work with the reference's config.pbtxt"
            : `the ${side} stopped working`
      return `${mix} (${error.replace(/\.$/, '')})`
    })
    .join('; ')
}

function brokenFields({ fields, changes }: AttributionMeasurement): string[] {
  if (fields.status === 'skipped') return []
  return fields.sides
    .filter(({ side, error }) => side === 'field' && error !== undefined)
    .map(({ field, error = '' }) => {
      const change = changes.fields[field ?? -1]
      const name = change === undefined ? 'A field' : fieldInWords(change, changes.fields)
      return `${name} does not work alone: ${error.replace(/\.$/, '')}.`
    })
}

function fieldsInWords(fields: readonly FieldChange[]): string {
  const named = fields.slice(0, maxNamed).map((field) => fieldInWords(field, fields))
  const more = fields.length - named.length
  return [...named, ...(more > 0 ? [countInWords(more, 'more field')] : [])].join(', ')
}

/** `instance_group[0].count 2 → 1`, with the model's name where several models' configurations changed. */
function fieldInWords(change: FieldChange, all: readonly FieldChange[]): string {
  const several = all.some(({ model }) => model !== change.model)
  const name = several ? `${change.model}: ${change.field}` : change.field
  return `${name} ${valueInWords(change.before)} → ${valueInWords(change.after)}`
}

function valueInWords(value: string | null): string {
  if (value === null) return 'not set'
  return value.length <= maxValueLength ? value : `${value.slice(0, maxValueLength - 1)}…`
}

function filesInWords({ files, moreFiles }: ModelChanges): string {
  const named = files
    .slice(0, maxNamed)
    .map(({ path, change }) => (change === 'changed' ? path : `${path} ${change}`))
  const more = files.length - named.length + moreFiles
  return listInWords([...named, ...(more > 0 ? [countInWords(more, 'more file')] : [])])
}
