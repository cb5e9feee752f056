import type { Config } from '../config/config.ts'
import { defaultModelBudgetNs } from '../config/defaults.ts'
import type { Load } from '../domain/load.ts'
import { nsPerSecond } from '../domain/world.ts'
import { firstLook, lookSchedule } from '../stats/looks.ts'

/** What is to be measured, for how long, decided before the first server starts. */
export interface Plan {
  readonly seed: number
  readonly models: readonly ModelPlan[]
  /** Whether all of them are measured at once, on one server. */
  readonly concurrently: boolean
  /** For the whole run. */
  readonly budgetNs: number
}

export interface ModelPlan {
  readonly name: string
  readonly loads: readonly Load[]
  readonly sides: 1 | 2
  readonly repetitions: number
  /** Repetition counts at which a measurement of two sides ends if all is decided; ascending. */
  readonly looks: readonly number[]
  readonly warmupNs: number
  /** Asked measured time of one load in one repetition on one side. */
  readonly measurementNs: number
  readonly blockNs: number
  /** The share of the budget that is this model's, and the part of it that the sweep keeps. */
  readonly budgetNs: number
  readonly searchNs: number
}

/**
 * How long one load is measured in one repetition on one side: at least, and at most where requests are slow. The longest
 * time is wall time: what lead-ins and last requests take is to be taken off it. What warm-up
 * takes beyond its least is to be taken off the longest measuring time: both together are what is affordable.
 */
export interface MeasuringTime {
  readonly measurementNs: number
  readonly maxMeasurementNs: number
  readonly blockNs: number
  readonly warmupNs: number
  /** The longest warm-up of a load that is not steady before. */
  readonly maxWarmupNs: number
}

/** The sweep keeps at least a quarter of the budget, or pull requests with slow models would never get one. */
const searchShare = 0.25

/** A server start with its model load and stop, as seen with the python backend on two cores; until one was seen here. */
export const firstOverheadNs = 5 * nsPerSecond

/** Below this a window holds too little to tell a model's steady state from its start. */
export const minMeasurementNs = nsPerSecond

/** Slow models get up to this many times the asked measuring time to reach the requests that p99 needs. */
const maxStretch = 4

/**
 * A load that is not steady gets up to this many times the asked warm-up: lazy compilation, allocators and clocks of most
 * models settle within seconds, and what drifts for longer is better alternated with than waited for.
 */
const maxWarmupStretch = 4

/** Repetitions that were disturbed are made up for, up to half as many again: a machine that disturbs more says so. */
export const maxReplacement = 1.5

/** The repetitions of a model's gated loads so far. */
export interface Made {
  readonly done: number
  /** Of these, as many as the looks count: those that are valid on every side. */
  readonly valid: number
  /** Since the first one began. */
  readonly elapsedNs: number
  /** Of that, spent in warm-ups and windows. */
  readonly measuringNs: number
}

/** Config → Plan. */
export function makePlan(config: Config, models: readonly string[], sides: 1 | 2): Plan {
  const budgetNs = config.gate.timeBudgetNs ?? defaultModelBudgetNs * models.length
  const perModelNs = Math.floor(budgetNs / models.length)
  return {
    seed: config.gate.seed,
    budgetNs,
    concurrently: config.concurrently,
    models: models.map((name): ModelPlan => {
      const settings = config.settingsFor(name)
      return {
        name,
        loads: settings.loads,
        sides,
        repetitions: config.gate.repetitions,
        looks: sides === 2 ? lookSchedule(config.gate.repetitions) : [],
        warmupNs: config.gate.warmupNs,
        measurementNs: config.gate.measurementNs,
        blockNs: config.gate.blockNs,
        budgetNs: perModelNs,
        searchNs: settings.search.mode === 'off' ? 0 : Math.floor(perModelNs * searchShare),
      }
    }),
  }
}

/**
 * The measuring time of the next repetition, from the time that is left for those to come. Where that is
 * short, each measures shorter (down to 1 s) before one is dropped: the repetition is the unit of evidence.
 * Null where the model's budget cannot hold another one; the sweep's share of it counts in for those that the verdict needs.
 *
 * @param made what was measured so far
 */
export function nextMeasuringTime(plan: ModelPlan, made: Made): MeasuringTime | null {
  const { done, elapsedNs } = made
  const windows = windowsOf(plan)
  const overheadNs = overheadOf(made)
  const keptNs = isNeeded(plan, made) ? 0 : plan.searchNs
  if (done > 0 && elapsedNs + shortestOf(plan, made) > plan.budgetNs - keptNs) return null

  const leftNs = plan.budgetNs - plan.searchNs - elapsedNs
  const perWindowNs = (leftNs / (plan.repetitions - done) - overheadNs) / windows - plan.warmupNs
  const affordableNs = Math.max(minMeasurementNs, Math.floor(perWindowNs))
  const measurementNs = Math.min(plan.measurementNs, affordableNs)
  return {
    measurementNs,
    maxMeasurementNs: Math.max(measurementNs, Math.min(affordableNs, plan.measurementNs * maxStretch)),
    blockNs: Math.min(plan.blockNs, measurementNs),
    warmupNs: plan.warmupNs,
    maxWarmupNs: Math.min(plan.warmupNs * maxWarmupStretch, plan.warmupNs + affordableNs - measurementNs),
  }
}

/**
 * Whether the verdict needs the next repetition more than the sweep needs its share: up to the first look, below which nothing is
 * concluded, those that are void made up for; then of two sides, where another look that can still be reached may decide what is
 * open. One side alone is looked at once, at its end: more of it makes that more exact, and no verdict out of none.
 */
function isNeeded(plan: ModelPlan, made: Made): boolean {
  const { looks, repetitions, budgetNs } = plan
  const { done, valid, elapsedNs } = made
  const least = Math.min(firstLook, repetitions)
  if (valid < least && done < least * maxReplacement) return true
  const next = looks.find((look) => look > valid)
  return next !== undefined && elapsedNs + (next - valid) * shortestOf(plan, made) <= budgetNs
}

/** What a repetition takes in its shortest form. */
function shortestOf(plan: ModelPlan, made: Made): number {
  return overheadOf(made) + windowsOf(plan) * (plan.warmupNs + minMeasurementNs)
}

function overheadOf({ done, elapsedNs, measuringNs }: Made): number {
  return done === 0 ? firstOverheadNs : (elapsedNs - measuringNs) / done
}

function windowsOf({ loads, sides }: ModelPlan): number {
  return loads.length * sides
}

/** Any repetition may take so much longer than was expected of it. */
const toldOverrunNs = nsPerSecond / 2

/** What a reader should know of gated loads that have ended before all their repetitions were made. */
export function cutWords(plan: ModelPlan, made: Made): string {
  // Where the whole budget would not have held another one, the sweep's share has cut nothing.
  const isKept = plan.searchNs > 0 && made.elapsedNs + shortestOf(plan, made) <= plan.budgetNs
  const beside = isKept ? ', beside the quarter of it that is the sweep’s' : ''
  return `the time budget allowed ${made.done} of ${plan.repetitions} repetitions${beside}`
}

/** The same of those that went on into what the sweep keeps of the time; null where they did not. @param elapsedNs all of them */
export function overrunWords({ budgetNs, searchNs }: ModelPlan, elapsedNs: number): string | null {
  const takenNs = elapsedNs - (budgetNs - searchNs)
  if (searchNs === 0 || takenNs < toldOverrunNs) return null
  const [taken, kept] = [Math.min(takenNs, searchNs), searchNs].map((ns) => (ns / nsPerSecond).toFixed(1))
  return `the gated loads took ${taken} s of the ${kept} s that the sweep keeps of the time budget: the verdict needed their repetitions`
}
