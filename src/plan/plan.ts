import type { Config } from '../config/config.ts'
import type { Load } from '../domain/load.ts'
import { nsPerSecond } from '../domain/world.ts'

/** What is to be measured, for how long, decided before the first server starts. */
export interface Plan {
  readonly seed: number
  readonly models: readonly ModelPlan[]
  /** For the whole run. */
  readonly budgetNs: number
}

export interface ModelPlan {
  readonly name: string
  readonly loads: readonly Load[]
  readonly repetitions: number
  readonly warmupNs: number
  /** Measured time of one load in one repetition on one side: at least, and at most where requests are slow. */
  readonly measurementNs: number
  readonly maxMeasurementNs: number
  readonly blockNs: number
  /** The share of the budget that is this model's, and the part of it that the sweep keeps. */
  readonly budgetNs: number
  readonly searchNs: number
}

/** 300 s a model: a pull-request check that takes longer is switched off by its users. */
const defaultModelBudgetNs = 300 * nsPerSecond

/** The sweep keeps at least a quarter of the budget, or pull requests with slow models would never get one. */
const searchShare = 0.25

/** A server start with its model loads and stop, as seen with the python backend on two cores; only used to plan. */
const serverCycleNs = 6 * nsPerSecond

/** Below this a window holds too little to tell a model's steady state from its start. */
const minMeasurementNs = nsPerSecond

/** Slow models get up to this many times the asked measuring time to reach the requests that p99 needs. */
const maxStretch = 4

/**
 * Config → Plan. Where the budget does not hold the asked repetitions, the measuring time of each shrinks
 * (down to 1 s) before a repetition is dropped: the repetition is the unit of evidence.
 */
export function makePlan(config: Config, models: readonly string[], sides: 1 | 2): Plan {
  const budgetNs = config.gate.timeBudgetNs ?? defaultModelBudgetNs * models.length
  const perModelNs = budgetNs / models.length
  return {
    seed: config.gate.seed,
    budgetNs,
    models: models.map((name) => planModel(config, name, sides, perModelNs)),
  }
}

function planModel(config: Config, name: string, sides: 1 | 2, budgetNs: number): ModelPlan {
  const settings = config.settingsFor(name)
  const searchNs = settings.search.mode === 'off' ? 0 : budgetNs * searchShare
  const gateNs = budgetNs - searchNs
  const { warmupNs, blockNs } = config.gate
  const loads = settings.loads.length

  const measuringNs = (repetitions: number) =>
    Math.floor((gateNs / repetitions - serverCycleNs) / (loads * sides) - warmupNs)

  let repetitions = config.gate.repetitions
  while (repetitions > 1 && measuringNs(repetitions) < minMeasurementNs) repetitions--
  const affordableNs = Math.max(minMeasurementNs, measuringNs(repetitions))
  const measurementNs = Math.min(config.gate.measurementNs, affordableNs)
  return {
    name,
    loads: settings.loads,
    repetitions,
    warmupNs,
    measurementNs,
    maxMeasurementNs: Math.min(affordableNs, measurementNs * maxStretch),
    blockNs: Math.min(blockNs, measurementNs),
    budgetNs: Math.floor(budgetNs),
    searchNs: Math.floor(searchNs),
  }
}
