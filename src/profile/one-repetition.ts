import { loadKey, loadLabel } from '../domain/load.ts'
import type { MeasuringTime } from '../plan/plan.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { measureSides } from './engine.ts'
import { withNeighbours } from './neighbours.ts'
import { openAll, type PlannedRecord } from './records.ts'
import type { RepetitionSettings } from './repetition.ts'
import { isSilent, type Measured, type Sample, toRepetition } from './sample.ts'
import { serverDeath } from './side.ts'

/** Which of the repetitions, and what goes on around it. */
interface Turn {
  readonly index: number
  readonly time: MeasuringTime
  /** The last repetition's servers. */
  readonly stopping: readonly Promise<void>[]
  /** Called after each load. */
  readonly save: () => void
}

/**
 * One repetition: fresh servers, then every load, as long as the first side is well. Returns the time spent in
 * warm-ups and windows, in ns.
 *
 * @param sides with the same models, each on a server of its own
 */
export async function repeat(
  context: ProfileContext,
  sides: readonly (readonly PlannedRecord[])[],
  { index, time, stopping, save }: Turn,
): Promise<number> {
  const { world, random } = context
  const [first = []] = sides
  // A reference that does not load, or dies, leaves the candidate to be measured alone: a fix must be able to pass.
  await openAll(context, random.shuffle(sides.filter(isWell)))
  // The last repetition's servers stop while these start, but not while these are measured.
  await Promise.all(stopping)
  const counts = first[0] === undefined ? {} : context.config.settingsFor(first[0].plan.name).counts
  let measuringNs = 0
  const names = first.map(({ plan }) => plan.name).join(' + ')
  for (const step of random.shuffle([...(first[0]?.plan.loads.keys() ?? [])])) {
    const live = sides.filter((side) => isWell(side) && side.every(({ record }) => record.model !== null))
    if (!live.includes(first)) break
    const startNs = world.nowNs()
    const load = first[0]?.plan.loads[step]
    if (load !== undefined) world.progress(`${names}: repetition ${index + 1}, ${loadLabel(load)}`)
    await measureStep(context, live, step, index, { ...time, ...counts })
    measuringNs += world.nowNs() - startNs
    save()
  }
  return measuringNs
}

/** Whether all of its models loaded, and its server lives. */
export function isWell(side: readonly PlannedRecord[]): boolean {
  return side.every(({ record }) => record.failure === null)
}

/** One load of each model in one repetition on all sides. A server that dies of it is data; all else throws. */
async function measureStep(
  context: ProfileContext,
  sides: readonly (readonly PlannedRecord[])[],
  step: number,
  index: number,
  settings: RepetitionSettings,
): Promise<void> {
  const { world } = context
  const loaded = sides.map((side) =>
    side.flatMap(({ plan, record: { model } }) => {
      const load = plan.loads[step]
      return model === null || load === undefined ? [] : [{ model, load }]
    }),
  )
  const noteDeath = async (): Promise<boolean> => {
    interruptIfAsked(world)
    const death = await serverDeath(world, [
      ...new Set(loaded.flatMap((side) => side.map(({ model }) => model.live))),
    ])
    if (death === null) return false
    for (const { record } of sides.flat())
      if (record.server?.server.hasExited() === true) record.failure = death
    const labels = loaded[0]?.map(({ load }) => loadLabel(load)) ?? []
    world.progress(`${labels[0] ?? ''}: ${death.message}`)
    return true
  }
  let samples: readonly (readonly Sample[])[]
  try {
    samples = await measureSides(context, loaded, settings)
  } catch (error) {
    if (await noteDeath()) return
    throw error
  }
  // A dying server may still answer with errors while it writes its last words: it is the death that is to be told.
  if (samples.flat().some(isSilent) && (await noteDeath())) return
  // The sides of one repetition pair by its index.
  const pairedWith = sides.length > 1 ? index : null
  const { maxFailureRatio } = context.config.gate
  for (const [sideIndex, side] of sides.entries()) {
    const ofSide = loaded[sideIndex] ?? []
    const judged = withNeighbours(ofSide, samples[sideIndex] ?? [], maxFailureRatio)
    for (const [modelIndex, { record }] of side.entries()) {
      const [asked, sample] = [ofSide[modelIndex], judged[modelIndex]]
      if (asked === undefined || sample === undefined) continue
      const repetition = toRepetition(sample, asked.load, index, pairedWith, maxFailureRatio)
      const key = loadKey(asked.load)
      const ofLoad = record.measured.get(key) ?? new Map<number, Measured>()
      record.measured.set(key, ofLoad.set(index, { sample, repetition }))
    }
  }
}
