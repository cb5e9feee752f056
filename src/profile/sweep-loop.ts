import type { ModelSettings } from '../config/config.ts'
import { type Configuration, configurationKey } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { loadKey } from '../domain/load.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { SweepProgress } from '../domain/sweep.ts'
import { nsPerSecond } from '../domain/world.ts'
import { nextCapacityStep } from '../search/capacity.ts'
import { loadedAfter, replacedBy, startsServer } from '../search/loaded.ts'
import { nextStep } from '../search/search.ts'
import { isMember, type Space } from '../search/space.ts'
import type { SearchBudget, SearchPoint, SearchState, Step } from '../search/state.ts'
import type { MeasuredPlace } from './sweep-measurement.ts'

type MeasureStep = Extract<Step, { kind: 'measure' }>

/** What came of one step: its point for the search, its scenario for the file, and what it took. */
interface MeasuredStep extends MeasuredPlace {
  /** Starting a server before the load; 0 where one was running. */
  readonly startNs: number
  /** null where the configuration was loaded already. */
  readonly loadNs: number | null
  readonly measureNs: number
  /** Of that, while requests were sent. */
  readonly underLoadNs: number
}

/** What a sweep needs of the world. */
export interface SweepRig {
  readonly nowNs: () => number
  /** How many configurations can be loaded beside each other, each on a server of its own. */
  readonly servers: number
  /** `replaced`: the configuration that is to make room for the step's, where that is to be loaded and there is none. */
  readonly measure: (
    step: MeasureStep,
    index: number,
    replaced: Configuration | null,
  ) => Promise<MeasuredStep>
}

/** What is searched, and for how long. */
export interface SweepPlan extends Pick<ModelSettings, 'search' | 'objectives' | 'constraints'> {
  readonly space: Space
  /** For the sweep as a whole, what was spent before it was stopped included. */
  readonly timeNs: number
}

/** A sweep as far as it has come. The scenarios pair with the progress's points. */
export interface SweepState {
  readonly progress: SweepProgress
  readonly scenarios: readonly Scenario[]
}

export interface FinishedSweep extends SweepState {
  readonly done: Extract<Step, { kind: 'done' }>
}

/** What a step costs before any has been seen: a reload with the python backend takes 2 s, a short measurement 1 s. */
const firstGuess = { load: 2 * nsPerSecond, measure: nsPerSecond }

/**
 * Measures what the search proposes until it is done, from wherever an earlier sweep was left. `save` gets the state
 * after each measurement, before the next begins: a sweep that is stopped at any point and gone on with from what was
 * saved proposes what it would have proposed.
 */
export async function runSweep(
  rig: SweepRig,
  { search, objectives, constraints, space, timeNs }: SweepPlan,
  from: SweepState,
  save: (state: SweepState) => void,
): Promise<FinishedSweep> {
  const startNs = rig.nowNs()
  let { progress, scenarios } = within(space, from)
  /** Loading again what was loaded when the sweep was stopped: time that a sweep in one go does not spend. */
  let reloadNs = 0
  const before = loadedAfter(progress.points, rig.servers)
  let missing = before.configurations.map(configurationKey)
  let missingServers = before.servers
  const spentNs = () => from.progress.spentNs + rig.nowNs() - startNs - reloadNs
  for (;;) {
    const { points, loads, loadingNs, measuringNs, startingNs = 0, underLoadNs = 0 } = progress
    const loaded = loadedAfter(points, rig.servers)
    const state: SearchState = {
      space,
      objectives,
      constraints,
      points: withComposing(points, scenarios).filter(({ purpose }) => purpose !== 'capacity'),
      budget: {
        maxMeasurements: search.maxMeasurements,
        timeLeftNs: timeNs - spentNs(),
        costNs: costOf(progress),
        loaded: loaded.configurations.map(configurationKey),
      },
    }
    const next = nextStep(search.mode, state)
    const step =
      next.kind === 'measure'
        ? next
        : nextCapacityStep({ ...state, points }, next.answer, search.capacitySteps)
    if (step === null && next.kind === 'done')
      return { progress: { ...progress, spentNs: spentNs() }, scenarios, done: next }
    if (step === null) throw new GateError('internal', 'a search has neither a step nor an end')
    const { configuration } = step
    const replaced = replacedBy(loaded, configuration, rig.servers)
    const { point, scenario, ...took } = await rig.measure(step, points.length, replaced)
    const { startNs, loadNs, measureNs } = took
    const isReload = missing.includes(configurationKey(configuration))
    const gone = [configuration, ...(replaced === null ? [] : [replaced])].map(configurationKey)
    missing = missing.filter((key) => !gone.includes(key))
    const isRestart = startNs > 0 && missingServers > 0 && !startsServer(loaded, configuration, rig.servers)
    if (isRestart) missingServers--
    reloadNs += (isRestart ? startNs : 0) + (isReload ? (loadNs ?? 0) : 0)
    const counts = loadNs !== null && !isReload
    scenarios = [...scenarios, scenario]
    progress = {
      ...progress,
      points: [...points, step.purpose === 'capacity' ? { ...point, purpose: 'capacity' } : point],
      spentNs: spentNs(),
      loads: loads + (counts ? 1 : 0),
      loadingNs: loadingNs + (counts ? loadNs : 0),
      measuringNs: measuringNs + measureNs,
      startingNs: startingNs + (isRestart ? 0 : startNs),
      underLoadNs: underLoadNs + took.underLoadNs,
    }
    save({ progress, scenarios })
  }
}

/** What loading a configuration and measuring a load took so far. */
export function costOf({
  points,
  loads,
  loadingNs,
  measuringNs,
  startingNs = 0,
}: SweepProgress): SearchBudget['costNs'] {
  return {
    load: loads === 0 ? firstGuess.load : (startingNs + loadingNs) / loads,
    measure: points.length === 0 ? firstGuess.measure : measuringNs / points.length,
  }
}

/** What the models did that the measured one needs stands in the scenarios only. */
function withComposing(points: SweepProgress['points'], scenarios: readonly Scenario[]): SearchPoint[] {
  return points.map((point, index) => {
    const composing = scenarios[index]?.composing
    return composing === undefined ? point : { ...point, composing }
  })
}

/** Without what is no longer to be searched, since the configuration file says so. */
function within(space: Space, { progress, scenarios }: SweepState): SweepState {
  if (progress.points.length !== scenarios.length)
    throw new GateError('internal', 'a sweep has other scenarios than points')
  const loads = new Set(space.loads.map(loadKey))
  const kept = progress.points.map(
    ({ configuration, load, purpose }) =>
      isMember(space, configuration) && (purpose === 'capacity' || loads.has(loadKey(load))),
  )
  return {
    progress: { ...progress, points: progress.points.filter((_, index) => kept[index]) },
    scenarios: scenarios.filter((_, index) => kept[index]),
  }
}
