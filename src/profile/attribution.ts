import { rmSync } from 'node:fs'
import type {
  AttributedSide,
  AttributionMeasurement,
  AttributionRound,
  ModelChanges,
  OriginMeasurement,
} from '../domain/attribution.ts'
import { asGateError, GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import { type AttributionPlan, nextRepetition, planAttribution } from '../plan/attribution.ts'
import type { ModelPlan } from '../plan/plan.ts'
import { changesOf, type RepositoryChanges } from '../repository/changes.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { scenariosOf } from './model-measurement.ts'
import { repeat } from './one-repetition.ts'
import { closeAll, makeRecord, type SideRecord } from './records.ts'
import { isSilent } from './sample.ts'
import { fieldRepository, mixedRepository } from './variants.ts'

export interface AttributionInput {
  readonly plan: ModelPlan
  readonly candidate: ModelRepository
  readonly reference: ModelRepository
  /** The loads that are confirmed to be worse, the worst first; none where there is nothing to be measured. */
  readonly loads: readonly Load[]
  readonly timeNs: number
  /** How many servers of this model the machine holds beside each other. */
  readonly maxServers: number
  /** Whether config.pbtxt is to blame, by what was measured so far. */
  readonly blamesConfig: (measured: OriginMeasurement) => boolean
}

/** A file says no more than what can be read. */
const maxFiles = 50

/** Each field is a server more, and every one makes the others' blocks fewer. */
const maxFields = 4

/**
 * Explains a confirmed regression: what changed, and where both config.pbtxt and other files did, each side's under
 * the other's, measured alternating with the two that were compared; then the changed fields of config.pbtxt one by one.
 * The user's files stay as they are.
 */
export async function attribute(
  context: ProfileContext,
  input: AttributionInput,
): Promise<AttributionMeasurement> {
  const { world } = context
  const endNs = world.nowNs() + input.timeNs
  const { plan, reference, candidate } = input
  const changes = await changesOf(reference, candidate, plan.name)
  const start = { model: plan.name, changes: summarize(changes) }
  const origin = await originRound(context, input, changes)
  const left = { ...input, timeNs: endNs - world.nowNs() }
  const blamed = input.blamesConfig({ changes: start.changes, origin })
  return { ...start, origin, fields: await fieldsRound(context, left, changes, blamed) }
}

function summarize({ fields, files }: RepositoryChanges): ModelChanges {
  return {
    fields: fields.map(({ model, field, before, after }) => ({ model, field, before, after })),
    files: files.slice(0, maxFiles),
    moreFiles: Math.max(0, files.length - maxFiles),
  }
}

const skipped = (why: string): AttributionRound => ({ status: 'skipped', why })

async function originRound(
  context: ProfileContext,
  input: AttributionInput,
  { fields, files, models }: RepositoryChanges,
): Promise<AttributionRound> {
  if (fields.length === 0 || files.length === 0) return skipped('only one of the two changed')
  if (input.loads.length === 0) return skipped('there is no latency or throughput to be taken apart')
  // Where only three servers fit, one order of changing tells as much, if less surely.
  const mixes = (['config', 'code'] as const).slice(0, input.maxServers - 2)
  if (mixes.length === 0) return skipped(noRoom(input, 3))
  const planned = planAttribution(input.plan, input.loads, 2 + mixes.length, input.timeNs)
  if (typeof planned === 'string') return skipped(planned)
  const { candidate, reference } = input
  const sides = mixes.map((side) => ({
    side,
    lay: () =>
      side === 'config'
        ? mixedRepository(context, reference, candidate, models)
        : mixedRepository(context, candidate, reference, models),
  }))
  return measureRound(context, input, planned, sides)
}

async function fieldsRound(
  context: ProfileContext,
  input: AttributionInput,
  { fields, models }: RepositoryChanges,
  isBlamed: boolean,
): Promise<AttributionRound> {
  if (fields.length < 2) return skipped('no two fields of config.pbtxt changed')
  if (!isBlamed) return skipped('config.pbtxt is not the cause')
  if (fields.length > maxFields)
    return skipped(`${fields.length} fields changed, up to ${maxFields} are measured`)
  if (input.maxServers < fields.length + 2) return skipped(noRoom(input, fields.length + 2))
  const planned = planAttribution(input.plan, input.loads, 2 + fields.length, input.timeNs)
  if (typeof planned === 'string') return skipped(planned)
  const { candidate, reference } = input
  const sides = fields.map((change, field) => ({
    side: 'field' as const,
    field,
    lay: () => fieldRepository(context, reference, candidate, models, change),
  }))
  return measureRound(context, input, planned, sides)
}

function noRoom({ maxServers }: AttributionInput, wanted: number): string {
  return `it takes ${wanted} servers beside each other, and the memory of this machine holds ${maxServers} of this model`
}

interface Mix extends Pick<AttributedSide, 'side' | 'field'> {
  readonly lay: () => Promise<ModelRepository>
}

/** A side with what is measured of it, or why there is nothing. */
interface Entry extends Pick<AttributedSide, 'side' | 'field'> {
  readonly record: SideRecord | null
  readonly error: string | null
}

async function measureRound(
  context: ProfileContext,
  input: AttributionInput,
  planned: AttributionPlan,
  mixes: readonly Mix[],
): Promise<AttributionRound> {
  const { plan, candidate, reference } = input
  const folders: string[] = []
  try {
    const entries: Entry[] = [
      { side: 'candidate', record: makeRecord('candidate', candidate), error: null },
      { side: 'reference', record: makeRecord('reference', reference), error: null },
    ]
    for (const { lay, ...mix } of mixes) {
      const repository = await lay().catch((error: unknown) => asGateError(error).message)
      if (typeof repository === 'string') {
        entries.push({ ...mix, record: null, error: repository })
        continue
      }
      folders.push(repository.path)
      const name = `mix ${mix.side}${mix.field === undefined ? '' : ` ${mix.field + 1}`}` as const
      entries.push({ ...mix, record: makeRecord(name, repository), error: null })
    }
    const records = entries.flatMap(({ record }) => record ?? [])
    const why = await measureRecords(context, input, planned, records)
    if (why !== null) return skipped(why)
    const ofLoads = { ...plan, loads: planned.loads }
    return {
      status: 'measured',
      sides: entries.map(({ side, field, record, error }): AttributedSide => {
        const broken = error ?? record?.failure?.message
        return {
          side,
          ...(field === undefined ? {} : { field }),
          ...(broken === undefined ? {} : { error: broken }),
          scenarios: record === null ? [] : scenariosOf(ofLoads, record),
        }
      }),
    }
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Repetitions of all sides alternating. A mix that does not load, dies or answers nothing drops out, and the others go on.
 * Returns why there are too few, null where there are not.
 */
async function measureRecords(
  context: ProfileContext,
  { plan, timeNs }: AttributionInput,
  planned: AttributionPlan,
  records: readonly SideRecord[],
): Promise<string | null> {
  const { world } = context
  const endNs = world.nowNs() + timeNs
  let longestNs = 0
  const ofLoads = { ...plan, loads: planned.loads }
  const stopping: Promise<void>[] = []
  let wanted = planned.repetitions
  try {
    for (let index = 0; index < wanted; index++) {
      interruptIfAsked(world)
      const startNs = world.nowNs()
      const next = nextRepetition(index, longestNs, endNs - startNs)
      if (next !== 'go') return next === 'enough' ? null : next
      const well = records.filter(({ failure }) => failure === null)
      world.progress(`${plan.name}: looking for the cause, repetition ${index + 1} of ${wanted}`)
      const sides = well.map((record) => [{ plan: ofLoads, record }])
      await repeat(context, sides, { index, time: planned.time, stopping, save: () => {} })
      await closeAll(well, stopping, context.gpu !== null)
      longestNs = Math.max(longestNs, world.nowNs() - startNs)
      const dropped = dropSilent(well, index)
      const [candidate, reference, ...mixes] = records
      if (candidate?.failure != null || reference?.failure != null) return null
      if (mixes.every(({ failure }) => failure !== null)) return null
      // A side that answers nothing ends the warm-up of all: what the others gave then is no measurement.
      if (dropped && wanted < planned.repetitions + records.length) wanted++
    }
    return null
  } finally {
    await closeAll(records, stopping, false)
    await Promise.all(stopping)
  }
}

/** Takes out sides whose requests all failed, and the repetition with them. */
function dropSilent(records: readonly SideRecord[], index: number): boolean {
  let dropped = false
  for (const each of records) {
    for (const ofLoad of each.measured.values()) {
      const measured = ofLoad.get(index)
      if (measured === undefined || !isSilent(measured.sample)) continue
      const why = measured.repetition.voidReasons[0] ?? 'no request was answered'
      each.failure ??= new GateError('model', why)
      dropped = true
    }
  }
  if (dropped) for (const each of records) for (const ofLoad of each.measured.values()) ofLoad.delete(index)
  return dropped
}
