import type { Constraint } from '../config/config.ts'
import { configurationKey } from '../domain/configuration.ts'
import { batchSizeOf, type Load, levelOf, loadKey, loadLabel } from '../domain/load.ts'
import { groupsBy, meansByModel } from './candidates.ts'
import { limitsKept, limitsLatency, middleOf, plateauGain } from './capacity.ts'
import {
  type ConcurrentAnswer,
  type ConcurrentState,
  type ConcurrentStep,
  isAffordable,
} from './concurrent-state.ts'
import type { SearchMetrics } from './state.ts'

/** What all models did at one load of each, in one combination of configurations; null where any of them failed. */
export interface MixPoint {
  readonly loads: readonly Load[]
  readonly metrics: readonly SearchMetrics[] | null
}

/** How much of the gated mix of loads a combination of configurations holds. */
export interface MixCapacity {
  /** The mix with the highest throughput at which every model holds its limits; null where none does. */
  readonly at: { readonly loads: readonly Load[]; readonly metrics: readonly SearchMetrics[] } | null
  /** The lightest heavier mix at which any model breaks one; null where none was measured. */
  readonly brokenAt: readonly Load[] | null
}

/**
 * The gated mix: the last of the gated loads, all of which grow in proportion; a model that stays at one load while others'
 * differ stays there. What is told of it is one number, the level of the model with the heaviest load.
 */
interface Mix {
  readonly base: readonly Load[]
  readonly grows: readonly boolean[]
  readonly lead: number
}

function mixOf(gated: readonly (readonly Load[])[]): Mix | null {
  const base = gated.at(-1)
  if (base === undefined || base.length === 0) return null
  const varies = base.map((load, index) =>
    gated.some((step) => step[index] !== undefined && loadKey(step[index]) !== loadKey(load)),
  )
  const grows = varies.includes(true) ? varies : varies.map(() => true)
  const lead = base.reduce(
    (best, load, index) =>
      grows[index] === true && (best < 0 || levelOf(load) > leadLevel(base, best)) ? index : best,
    -1,
  )
  return { base, grows, lead }
}

function leadLevel(loads: readonly Load[], lead: number): number {
  const load = loads[lead]
  return load === undefined ? 0 : levelOf(load)
}

function mixAt({ base, grows, lead }: Mix, level: number): Load[] {
  const factor = level / leadLevel(base, lead)
  return base.map((load, index) => {
    if (grows[index] !== true || factor === 1) return load
    return load.mode === 'concurrency'
      ? { ...load, concurrency: Math.max(1, Math.round(load.concurrency * factor)) }
      : { ...load, requestRate: Number((load.requestRate * factor).toPrecision(3)) }
  })
}

const keyOf = (loads: readonly Load[]) => loads.map(loadKey).join(' | ')

/** Rates that are made have three digits; those that are listed may have more. */
const sameRate = 0.005

/** Whether loads are the mix at some level. */
function isMix(mix: Mix, loads: readonly Load[]): boolean {
  const wanted = mixAt(mix, leadLevel(loads, mix.lead))
  return wanted.every((load, index) => {
    const own = loads[index]
    if (own === undefined) return false
    if (load.mode === 'concurrency' || own.mode === 'concurrency') return loadKey(load) === loadKey(own)
    const isNear = Math.abs(load.requestRate - own.requestRate) <= sameRate * own.requestRate
    return isNear && loadKey({ ...load, requestRate: own.requestRate }) === loadKey(own)
  })
}

interface Rung extends MixPoint {
  readonly level: number
  readonly kept: ReturnType<typeof limitsKept>
}

/** The measured levels of the mix, light to heavy; several measurements of one as their mean. */
function rungsOf(
  points: readonly MixPoint[],
  mix: Mix,
  constraints: readonly (readonly Constraint[])[],
): Rung[] {
  return groupsBy(points, ({ loads }) => keyOf(loads))
    .flatMap((group): Rung[] => {
      const [first] = group
      if (first === undefined) return []
      const { loads } = first
      const level = leadLevel(loads, mix.lead)
      if (!isMix(mix, loads)) return []
      const metrics = meansByModel(group.flatMap((point) => (point.metrics === null ? [] : [point.metrics])))
      return [{ loads, metrics, level, kept: mixKept(metrics, constraints) }]
    })
    .toSorted((a, b) => a.level - b.level)
}

/** As of one model: one that breaks a limit is enough, and one of which it is not known leaves it open. */
function mixKept(
  metrics: readonly SearchMetrics[] | null,
  constraints: readonly (readonly Constraint[])[],
): Rung['kept'] {
  const all = (metrics ?? [null]).map((own, index) => limitsKept(own, constraints[index] ?? []))
  return all.find((kept) => kept === 'broken') ?? all.find((kept) => kept === 'open') ?? 'held'
}

/** Of all models: the geometric mean, which none can raise at another's cost by more than it costs. */
function throughputOf({ metrics }: Rung): number {
  const logs = (metrics ?? []).map(({ inferPerSec }) =>
    Math.log(Math.max(Number.MIN_VALUE, inferPerSec ?? 0)),
  )
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length))
}

function bracket(rungs: readonly Rung[]) {
  const held = rungs.filter(({ kept }) => kept === 'held')
  const top = held.at(-1) ?? null
  const broken = rungs.find(({ kept, level }) => kept === 'broken' && level > (top?.level ?? 0)) ?? null
  return { held, top, broken }
}

/** @param gated the gated loads of all models, step by step @param constraints of each model */
export function mixCapacity(
  points: readonly MixPoint[],
  gated: readonly (readonly Load[])[],
  constraints: readonly (readonly Constraint[])[],
): MixCapacity {
  const mix = mixOf(gated)
  if (mix === null) return { at: null, brokenAt: null }
  const { held, broken } = bracket(rungsOf(points, mix, constraints))
  const best = held.reduce<Rung | null>(
    (top, rung) => (top === null || throughputOf(rung) > throughputOf(top) ? rung : top),
    null,
  )
  return {
    at: best?.metrics == null ? null : { loads: best.loads, metrics: best.metrics },
    brokenAt: broken?.loads ?? null,
  }
}

/** The level of the mix that tells most about where the limit lies; null where that is known. @param heaviest level that is tried */
function nextLevel(rungs: readonly Rung[], { base, lead }: Mix, heaviest: number): number | null {
  const first = leadLevel(base, lead)
  const isRate = base[lead]?.mode === 'requestRate'
  if (!rungs.some(({ level }) => level === first)) return first
  const { held, top, broken } = bracket(rungs)
  // What is limited and cannot be measured is told by no level.
  if (top === null && broken === null) return null
  if (broken === null) {
    const before = held.at(-2)
    const isFlat =
      top !== null && before !== undefined && throughputOf(top) <= (1 + plateauGain) * throughputOf(before)
    const next = Math.min(heaviest, 2 * (top?.level ?? first))
    return isFlat || next <= (top?.level ?? 0) ? null : next
  }
  if (top === null) {
    const half = isRate ? broken.level / 2 : Math.floor(broken.level / 2)
    return half < 1 ? null : half
  }
  return middleOf(top.level, broken.level, base[lead]?.mode ?? 'concurrency')
}

/**
 * The next measurement after a search of models at once: how much of the gated mix the answer's combination holds, and the
 * committed one. null where both are known, where no latency is limited, or where steps or time are used up.
 *
 * @param most measurements for each of the two
 */
export function nextMixStep(
  state: ConcurrentState,
  answer: ConcurrentAnswer | null,
  most: number,
): Extract<ConcurrentStep, { kind: 'measure' }> | null {
  const { models, gated, points } = state
  const mix = mixOf(gated)
  const constraints = models.map((model) => model.constraints)
  if (answer === null || mix === null || !constraints.some(limitsLatency)) return null
  const combination = (configurations: ConcurrentAnswer['configurations']) =>
    configurations.map(configurationKey).join(' | ')
  const committed = models.map(({ space }) => space.committed)
  const searched = points.filter(({ purpose }) => purpose !== 'capacity')
  const own = searched.filter((point) => combination(point.configurations) === combination(committed))
  // What gave nothing in the search holds nothing: there is no load of it to be bisected.
  const before = own.length > 0 && own.every(({ metrics }) => metrics === null) ? [] : [committed]
  const wanted = [
    ...new Map([answer.configurations, ...before].map((each) => [combination(each), each])).values(),
  ]
  const loaded = combination(points.at(-1)?.configurations ?? [])
  // What is loaded comes first: loading is what costs.
  const ordered = wanted.toSorted(
    (a, b) => Number(combination(b) === loaded) - Number(combination(a) === loaded),
  )
  const leadLoads = models[mix.lead]?.space.loads ?? []
  const heaviest = Math.max(leadLevel(mix.base, mix.lead), ...leadLoads.map(levelOf))
  for (const configurations of ordered) {
    const own = points.filter((point) => combination(point.configurations) === combination(configurations))
    if (own.filter(({ purpose }) => purpose === 'capacity').length >= most) continue
    const rungs = rungsOf(own, mix, constraints)
    const level = nextLevel(rungs, mix, heaviest)
    const loads = level === null || rungs.some((rung) => rung.level === level) ? null : mixAt(mix, level)
    // A request holds no more than max_batch_size.
    const isLegal = loads?.every(
      (load, index) => batchSizeOf(load) <= Math.max(1, configurations[index]?.maxBatchSize ?? 1),
    )
    if (loads === null || isLegal !== true) continue
    const place = { configurations, loads }
    if (!isAffordable({ ...state, budget: { ...state.budget, maxMeasurements: Infinity } }, place, 0))
      return null
    const why = `how much of the mix is held: ${loads.map(loadLabel).join(' and ')}`
    return { kind: 'measure', place, purpose: 'capacity', why }
  }
  return null
}
