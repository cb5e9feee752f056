import type { RequestSettings, SequenceSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, type Load } from '../domain/load.ts'
import {
  ModelSequenceBatching_Control_Kind as ControlKind,
  DataType,
  type ModelConfig,
} from '../proto/model_config_pb.js'
import { datatypeOf } from './datatypes.ts'
import type { Step } from './inputs.ts'
import type { DeclaredOutputs, OutputCheck, Streaming } from './protocol.ts'
import type { SequencePlan } from './sequences.ts'

/** Ids stay below what a double counts exactly. */
const maxIds = 2 ** 53 - 1

/** Highest correlation id of the types that do not hold all of those. */
const highestIds: Partial<Record<DataType, number>> = {
  [DataType.TYPE_UINT32]: 2 ** 32 - 1,
  [DataType.TYPE_INT32]: 2 ** 31 - 1,
}

function isDecoupled(config: ModelConfig): boolean {
  return config.modelTransactionPolicy?.decoupled === true
}

/** Whether requests go over ModelStreamInfer: where it is asked for, and to decoupled models, which nothing else reaches. */
export function streamingOf(config: ModelConfig, { streaming }: RequestSettings): Streaming | undefined {
  const decoupled = isDecoupled(config)
  return streaming || decoupled ? { decoupled } : undefined
}

/**
 * How the requests to a model with sequence batching belong together; undefined for any other model.
 *
 * @param streams steps of each stream of input data, where it has such
 * @throws GateError `config` for requests of more than one inference, and where more sequences are live than there are ids
 */
export function sequencePlanOf(
  config: ModelConfig,
  { sequences }: RequestSettings,
  load: Load,
  streams: readonly number[] | null,
): SequencePlan | undefined {
  if (config.schedulingChoice.case !== 'sequenceBatching') return undefined
  const idType = correlationIdType(config)
  const plan: SequencePlan = {
    idType: idType === DataType.TYPE_STRING ? 'string' : 'number',
    ...idsOf(sequences, highestIds[idType] ?? maxIds),
    // As in perf_analyzer: a given stream is a whole sequence, unless a length is asked for.
    length: sequences.length ?? (streams === null ? defaultLength : null),
    lengthVariation: sequences.lengthVariation,
    live: sequences.count,
    serial: sequences.serial,
    streams,
  }
  const live = load.mode === 'concurrency' ? load.concurrency : plan.live
  const problems = []
  if (batchSizeOf(load) > 1) {
    problems.push({
      key: 'batch_sizes',
      message: `a request of batch size ${batchSizeOf(load)} would belong to that many sequences`,
      remedy: `set \`parameters: {batch_sizes: 1}\` for '${config.name}': the server batches across sequences`,
    })
  }
  if (live > plan.ids) {
    problems.push({
      key: 'perf_analyzer_flags.sequence-id-range',
      message: `${live} sequences are live at a time, and the range holds ${plan.ids} ids`,
      remedy: 'widen the range, or lower the concurrency or num-of-sequences',
    })
  }
  if (problems.length === 0) return plan
  throw new GateError('config', `cannot make sequences for model '${config.name}'`, { problems })
}

/** What the answers to the steps must be; undefined where they are not looked at. */
export function outputCheckOf(
  config: ModelConfig,
  settings: RequestSettings,
  steps: readonly Step[],
): OutputCheck | undefined {
  if (settings.checkOutputs === 'off') return undefined
  // A decoupled model may answer with nothing, and each response may be another.
  const declared = isDecoupled(config) ? { outputs: [], areOfFixedSize: false } : declaredOutputs(config)
  const bytes = comparisonOf(config, settings, steps)
  return declared.outputs.length === 0 && bytes === null ? undefined : { declared, bytes }
}

function comparisonOf(
  config: ModelConfig,
  settings: RequestSettings,
  steps: readonly Step[],
): OutputCheck['bytes'] {
  const known = steps.some(({ expectedOutputs }) => expectedOutputs !== null)
  if (settings.checkOutputs === 'given' && !known) return null
  if (uncheckedSequences(config, settings, known) !== null) return null
  if (settings.checkOutputs === 'first') return { kind: 'first' }
  return { kind: 'given', outputs: steps.map(({ expectedOutputs }) => expectedOutputs) }
}

/**
 * Outputs as they must come. Not shape tensors, nor outputs that a backend scatters by other inputs (`batch_output`):
 * their sizes are not those of the configuration. The batch dimension may be any: Triton leaves it to the backend.
 */
function declaredOutputs({ output, batchOutput, maxBatchSize }: ModelConfig): DeclaredOutputs {
  const scattered = new Set(batchOutput.flatMap(({ targetName }) => targetName))
  const outputs = output.flatMap(({ name, dataType, dims, isShapeTensor }) => {
    const datatype = datatypeOf(dataType)
    if (datatype === null || isShapeTensor || scattered.has(name)) return []
    const shape = dims.map(Number)
    const isOfFixedSize = datatype.kind !== 'bytes' && !shape.includes(-1)
    return [
      { name, datatype: datatype.name, shape: maxBatchSize > 0 ? [-1, ...shape] : shape, isOfFixedSize },
    ]
  })
  return {
    outputs: outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    areOfFixedSize: outputs.length === output.length && outputs.every(({ isOfFixedSize }) => isOfFixedSize),
  }
}

/** Why the answers of a model with sequences are not compared although it is asked for; null where they are. */
function uncheckedSequences(
  { name, schedulingChoice }: ModelConfig,
  { checkOutputs, sequences }: RequestSettings,
  known: boolean,
): string | null {
  if (schedulingChoice.case !== 'sequenceBatching' || checkOutputs === 'off') return null
  if (checkOutputs === 'first')
    return `model '${name}': its outputs are not checked: they depend on the sequence, not on the request alone`
  if (!known || sequences.length === null) return null
  return `model '${name}': its outputs are not checked: with sequence-length a sequence is not a stream of the validation data`
}

/** perf_analyzer's. */
const defaultLength = 20

/** What a user should know of the way in which a model is asked, as sentences. */
export function requestNotes(
  config: ModelConfig,
  settings: RequestSettings,
  hasValidationData: boolean,
): string[] {
  const { streaming, sequences } = settings
  const notes: string[] = []
  if (isDecoupled(config) && !streaming) {
    notes.push(
      `model '${config.name}' is decoupled: its requests go over ModelStreamInfer, latency runs to the last response`,
    )
  }
  const overtaken = config.schedulingChoice.case === 'sequenceBatching' && !streaming && !isDecoupled(config)
  if (overtaken && sequences.serialAsked === false) {
    notes.push(
      `model '${config.name}': without streaming, requests of a sequence could overtake each other: ` +
        'each waits for the answer to the one before (serial-sequences)',
    )
  }
  const unchecked = uncheckedSequences(config, settings, hasValidationData)
  return unchecked === null ? notes : [...notes, unchecked]
}

/** The type of the correlation id that the model asks for; unsigned 64 bit where it asks for none. */
function correlationIdType({ schedulingChoice }: ModelConfig): DataType {
  if (schedulingChoice.case !== 'sequenceBatching') return DataType.TYPE_UINT64
  const controls = schedulingChoice.value.controlInput.flatMap(({ control }) => control)
  const corrid = controls.find(({ kind }) => kind === ControlKind.CONTROL_SEQUENCE_CORRID)
  return corrid?.dataType ?? DataType.TYPE_UINT64
}

function idsOf({ firstId, endId }: SequenceSettings, highest: number): Pick<SequencePlan, 'firstId' | 'ids'> {
  const end = Math.min(endId ?? highest, highest)
  return { firstId, ids: Math.max(0, end - firstId) }
}
