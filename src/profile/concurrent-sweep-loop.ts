import type { Configuration } from '../domain/configuration.ts'
import { type Load, ownLoad } from '../domain/load.ts'
import { nextConcurrentStep } from '../search/concurrent.ts'
import { nextMixStep } from '../search/concurrent-capacity.ts'
import type { ConcurrentModel, ConcurrentPoint, ConcurrentStep } from '../search/concurrent-state.ts'
import { sameConfiguration } from '../search/state.ts'
import { costOf, type SweepState } from './sweep-loop.ts'
import type { MeasuredPlace } from './sweep-measurement.ts'

export type ConcurrentMeasureStep = Extract<ConcurrentStep, { kind: 'measure' }>

/** What came of one step, by model, and what it took. */
export interface MeasuredCombination {
  readonly models: readonly MeasuredPlace[]
  /** Starting a server before the load; 0 where one was running. */
  readonly startNs: number
  /** null where all of the combination was loaded already. */
  readonly loadNs: number | null
  /** Of that, each model's own load; null where it was not loaded, be it loaded already or since another one failed. */
  readonly ownLoadsNs: readonly (number | null)[]
  readonly measureNs: number
  /** Of that, while requests were sent. */
  readonly underLoadNs: number
}

/** What a sweep of models at once needs of the world. */
export interface ConcurrentRig {
  readonly nowNs: () => number
  readonly measure: (step: ConcurrentMeasureStep, index: number) => Promise<MeasuredCombination>
}

export interface ConcurrentSweepPlan {
  readonly models: readonly ConcurrentModel[]
  /** The gated loads of all models at once. */
  readonly gated: readonly (readonly Load[])[]
  readonly maxMeasurements: number
  readonly capacitySteps: number
  /** For the sweep as a whole, what was spent before it was stopped included. */
  readonly timeNs: number
}

export interface FinishedConcurrentSweep {
  readonly states: readonly SweepState[]
  readonly points: readonly ConcurrentPoint[]
  readonly spentNs: number
  readonly done: Extract<ConcurrentStep, { kind: 'done' }>
}

/**
 * Measures the combinations that the search proposes until it is done, from wherever an earlier sweep was left. As with one
 * model (`runSweep`), a sweep that was stopped and gone on with proposes what it would have proposed: starting the server and
 * loading again what was loaded then counts as no time.
 */
export async function runConcurrentSweep(
  rig: ConcurrentRig,
  plan: ConcurrentSweepPlan,
  from: readonly SweepState[],
  save: (states: readonly SweepState[]) => void,
): Promise<FinishedConcurrentSweep> {
  const { models } = plan
  const startNs = rig.nowNs()
  const begunNs = from[0]?.progress.spentNs ?? 0
  let states = within(models, from)
  /** Starting and loading again what was there when the sweep was stopped: time that a sweep in one go does not spend. */
  let reloadNs = 0
  let missing = loadedBefore(pointsOf(models, states))
  let isServerMissing = missing.length > 0
  const spentNs = () => begunNs + rig.nowNs() - startNs - reloadNs
  for (;;) {
    const points = pointsOf(models, states)
    const state = {
      models,
      gated: plan.gated,
      points: points.filter(({ purpose }) => purpose !== 'capacity'),
      budget: {
        maxMeasurements: plan.maxMeasurements,
        timeLeftNs: plan.timeNs - spentNs(),
        costNs: costOf((states[0] ?? missingModel()).progress),
      },
    }
    const next = nextConcurrentStep(state)
    const step =
      next.kind === 'done'
        ? (nextMixStep({ ...state, points }, next.answer, plan.capacitySteps) ?? next)
        : next
    if (step.kind === 'done') return { states, points, spentNs: spentNs(), done: step }
    const measured = await rig.measure(step, points.length)
    const { ownLoadsNs } = measured
    const isReload = ownLoadsNs.map(
      (ownNs, index) =>
        ownNs !== null && isSame(missing[index] ?? null, step.place.configurations[index] ?? null),
    )
    missing = missing.map((configuration, index) => (ownLoadsNs[index] === null ? configuration : null))
    const loadNs = countedLoadNs(measured, isReload)
    const isRestart = measured.startNs > 0 && isServerMissing
    isServerMissing &&= measured.startNs === 0
    reloadNs += (isRestart ? measured.startNs : 0) + (measured.loadNs ?? 0) - (loadNs ?? 0)
    const counted = { ...measured, loadNs, startNs: isRestart ? 0 : measured.startNs }
    states = states.map((each, index) => extended(each, index, step, counted, spentNs()))
    save(states)
  }
}

/** What of loading a sweep in one go would have spent; null where it would have loaded nothing. */
function countedLoadNs(
  { loadNs, ownLoadsNs }: MeasuredCombination,
  isReload: readonly boolean[],
): number | null {
  if (loadNs === null) return null
  const isLoad = ownLoadsNs.map((ownNs, index) => ownNs !== null && isReload[index] !== true)
  if (isReload.includes(true) && !isLoad.includes(true)) return null
  return ownLoadsNs.reduce<number>(
    (left, ownNs, index) => left - (isReload[index] ? (ownNs ?? 0) : 0),
    loadNs,
  )
}

function extended(
  { progress, scenarios }: SweepState,
  index: number,
  { purpose }: ConcurrentMeasureStep,
  { models, startNs, loadNs, measureNs, underLoadNs }: MeasuredCombination,
  spentNs: number,
): SweepState {
  const { point, scenario } = models[index] ?? missingModel()
  return {
    scenarios: [...scenarios, scenario],
    progress: {
      ...progress,
      points: [...progress.points, purpose === 'capacity' ? { ...point, purpose } : point],
      spentNs,
      loads: progress.loads + (loadNs === null ? 0 : 1),
      loadingNs: progress.loadingNs + (loadNs ?? 0),
      measuringNs: progress.measuringNs + measureNs,
      startingNs: (progress.startingNs ?? 0) + startNs,
      underLoadNs: (progress.underLoadNs ?? 0) + underLoadNs,
    },
  }
}

/**
 * What was loaded after these points, by model; null where that is not known. Of a combination that failed, it is taken to have
 * been what changed with it that did not load. Empty where nothing had been measured.
 */
function loadedBefore(points: readonly ConcurrentPoint[]): readonly (Configuration | null)[] {
  const [before, last] = points.length < 2 ? [undefined, points[0]] : points.slice(-2)
  if (last === undefined) return []
  if (last.metrics !== null) return last.configurations
  return last.configurations.map((configuration, index) =>
    before?.metrics != null && isSame(before.configurations[index] ?? null, configuration)
      ? configuration
      : null,
  )
}

function isSame(one: Configuration | null, other: Configuration | null): boolean {
  return one !== null && other !== null && sameConfiguration(one, other)
}

/** The models' points as those of combinations, by their place in each list. */
function pointsOf(models: readonly ConcurrentModel[], states: readonly SweepState[]): ConcurrentPoint[] {
  const lists = states.map(({ progress }) => progress.points)
  return (lists[0] ?? []).map((_, at) => {
    const own = lists.map((points) => points[at] ?? missingModel())
    const metrics = own.map((point) => point.metrics)
    const measured = metrics.filter((each) => each !== null)
    return {
      configurations: own.map(({ configuration }, index) =>
        ownConfiguration(models[index] ?? missingModel(), configuration),
      ),
      loads: own.map(({ load }) => ownLoad(load)),
      metrics: measured.length === metrics.length ? measured : null,
      purpose: own[0]?.purpose,
    }
  })
}

function ownConfiguration({ space }: ConcurrentModel, { others: _, ...own }: Configuration): Configuration {
  return space.configurations.find((each) => sameConfiguration(each, own)) ?? own
}

/** Without what is no longer to be searched for any of the models, since the configuration file says so. */
function within(models: readonly ConcurrentModel[], states: readonly SweepState[]): readonly SweepState[] {
  const lengths = new Set(
    states.flatMap(({ progress, scenarios }) => [progress.points.length, scenarios.length]),
  )
  const kept = pointsOf(models, lengths.size === 1 ? states : []).map(({ configurations }) =>
    configurations.every((configuration, index) =>
      models[index]?.space.configurations.some((each) => sameConfiguration(each, configuration)),
    ),
  )
  return states.map(({ progress, scenarios }) => ({
    progress: { ...progress, points: progress.points.filter((_, index) => kept[index]) },
    scenarios: scenarios.filter((_, index) => kept[index]),
  }))
}

/** Each list of a sweep has an entry for each of its models. */
export function missingModel(): never {
  throw new RangeError('a sweep without one of its models')
}
