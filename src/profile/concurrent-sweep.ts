import { defaultSearch } from '../config/defaults.ts'
import { type Configuration, withOther } from '../domain/configuration.ts'
import { type Load, together } from '../domain/load.ts'
import type { SearchSummary } from '../domain/sweep.ts'
import { countInWords } from '../domain/words.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { answersOf } from '../search/concurrent-answer.ts'
import { type ConcurrentModel, type ConcurrentPlace, placeKey } from '../search/concurrent-state.ts'
import { type BatchFloor, floorWords } from './batch-floor.ts'
import { type ConcurrentBench, makeConcurrentBench } from './concurrent-bench.ts'
import {
  type ConcurrentMeasureStep,
  type ConcurrentRig,
  type FinishedConcurrentSweep,
  type MeasuredCombination,
  missingModel,
  runConcurrentSweep,
} from './concurrent-sweep-loop.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { hasGpu } from './instance-kinds.ts'
import { ownSpace } from './members.ts'
import type { Sweep } from './sweep.ts'
import type { SweepState } from './sweep-loop.ts'
import { measureAtOnce, outcomeOf, outcomeWords, underLoadOf } from './sweep-measurement.ts'
import { timesOf } from './sweep-summary.ts'

export interface ConcurrentSweepInput {
  readonly repository: ModelRepository
  readonly models: readonly RepositoryModel[]
  readonly committed: readonly Configuration[]
  /** The gated loads of all models at once. */
  readonly gated: readonly (readonly Load[])[]
  /** For the whole sweep, what was spent before it was stopped included. */
  readonly timeNs: number
}

/**
 * Sweeps configurations and loads of models that are under load at once, on one server, within the time; or goes on with a
 * sweep that was stopped. By model: its scenarios and points pair with those of the others by their place. `save` gets all
 * there is after each measurement.
 */
export async function sweepConcurrently(
  context: ProfileContext,
  input: ConcurrentSweepInput,
  from: readonly SweepState[],
  save: (states: readonly SweepState[]) => void,
): Promise<Sweep[]> {
  const { world } = context
  const searched = modelsOf(context, input)
  const { models } = searched
  const bench = makeConcurrentBench(context, input.repository, input.models)
  const rig: ConcurrentRig = {
    nowNs: world.nowNs,
    measure: async (step, index) => {
      interruptIfAsked(world)
      const measured = await measurePlace(context, input, bench, models, step)
      const words = outcomeWords(measured.models, models)
      world.progress(`${namesOf(input.models)}: sweep ${index + 1}: ${words}; ${step.why}`)
      return measured
    },
  }
  const plan = {
    models,
    gated: input.gated,
    maxMeasurements: input.models.reduce((sum, { name }) => sum + budgetOf(context, name), 0),
    capacitySteps: capacitySteps(context, input),
    timeNs: input.timeNs,
  }
  try {
    const finished = await runConcurrentSweep(rig, plan, from, save)
    world.progress(`${namesOf(input.models)}: sweep done: ${finished.done.reason}`)
    const doneNs = world.nowNs()
    await bench.close()
    return finish(context, searched, finished, world.nowNs() - doneNs)
  } finally {
    await bench.close()
  }
}

/** For all of them together, since they are bisected together. */
function capacitySteps({ config }: ProfileContext, { models }: ConcurrentSweepInput): number {
  return Math.max(...models.map(({ name }) => config.settingsFor(name).search.capacitySteps))
}

/** Lists and brute are run as a search here, and end as one. */
function budgetOf({ config }: ProfileContext, model: string): number {
  const { maxMeasurements } = config.settingsFor(model).search
  return Number.isFinite(maxMeasurements) ? maxMeasurements : defaultSearch.maxMeasurements
}

interface SearchedModels extends Pick<Sweep, 'untried'> {
  readonly models: readonly ConcurrentModel[]
  /** Of each model. */
  readonly floors: readonly (readonly BatchFloor[])[]
}

function modelsOf(
  context: ProfileContext,
  { models, committed, repository }: ConcurrentSweepInput,
): SearchedModels {
  const settings = models.map(({ name }) => context.config.settingsFor(name))
  const total = settings.reduce((sum, { weighting }) => sum + weighting, 0)
  const searched = models.map((model, index) => {
    const { objectives, constraints, weighting, ...own } = settings[index] ?? missingModel()
    const one = { repository, model, committed: committed[index] ?? missingModel(), hasGpu: hasGpu(context) }
    const { space, ...bounds } = ownSpace(one, own, model.config !== null)
    return { own: { name: model.name, space, objectives, constraints, weight: weighting / total }, ...bounds }
  })
  return {
    models: searched.map(({ own }) => own),
    floors: searched.map(({ floors }) => floors),
    untried: searched.flatMap(({ untried }) => untried),
  }
}

async function measurePlace(
  context: ProfileContext,
  { models: repositoryModels }: ConcurrentSweepInput,
  bench: ConcurrentBench,
  models: readonly ConcurrentModel[],
  { place, purpose }: ConcurrentMeasureStep,
): Promise<MeasuredCombination> {
  const { world } = context
  const loads = together(
    models.map(({ name }, index) => ({ model: name, load: place.loads[index] ?? missingModel() })),
  )
  const configurations = models.map((_, index) => configurationIn(models, place, index))
  const { models: live, ...took } = await bench.load(place.configurations)
  const beginNs = world.nowNs()
  const samples =
    typeof live === 'string'
      ? live
      : await measureAtOnce(
          context,
          live.map((model, index) => ({ model, load: loads[index] ?? missingModel() })),
          purpose,
        )
  const judged = repositoryModels.map((_, index) => {
    const sample = typeof samples === 'string' ? samples : (samples[index] ?? 'not measured')
    return outcomeOf(context, configurations[index] ?? missingModel(), loads[index] ?? missingModel(), sample)
  })
  // All at once: it is the time of the one that took longest.
  const underLoadNs = typeof samples === 'string' ? 0 : Math.max(...samples.map(underLoadOf))
  return { models: judged, ...took, measureNs: world.nowNs() - beginNs, underLoadNs }
}

/** One model's configuration in a combination, with those of the others that are not as committed. */
function configurationIn(
  models: readonly ConcurrentModel[],
  { configurations }: ConcurrentPlace,
  own: number,
): Configuration {
  return models.reduce((made, { name, space }, index) => {
    const other = configurations[index]
    if (index === own || other === undefined) return made
    const { committed: _, ...fields } = other
    const { committed: isCommitted, ...result } = withOther(made, name, fields, space.committed)
    return { ...result, committed: isCommitted && other.committed }
  }, configurations[own] ?? missingModel())
}

function finish(
  context: ProfileContext,
  { models, floors, untried }: SearchedModels,
  { states, points, spentNs, done: { answer, reason } }: FinishedConcurrentSweep,
  stopNs: number,
): Sweep[] {
  const answers = answer === null ? [] : answersOf(models, answer)
  const bisected = points.filter(({ purpose }) => purpose === 'capacity').length
  const tried = new Set(points.filter(({ purpose }) => purpose !== 'capacity').map(placeKey)).size
  return states.map(({ progress, scenarios }, index) => {
    const own = answers[index]
    const whole = { ...progress, spentNs }
    return {
      progress: whole,
      scenarios,
      summary: {
        mode: 'quick',
        measurements: points.length - bisected,
        stopped: reason,
        ...timesOf(whole, { verifyNs: 0, stopNs }),
        notes: [
          `${countInWords(tried, 'combination')} of ${models.map(({ name }) => name).join(' and ')} at their loads were tried`,
          ...(bisected === 0
            ? []
            : [`${countInWords(bisected, 'more measurement')} bisected for the capacity`]),
          ...(answer === null ? [] : floorNotes(floors[index] ?? [], answer.configurations[index])),
          ...modeNotes(context, models[index]?.name ?? ''),
        ],
        answer:
          own === undefined || answer === null
            ? null
            : {
                ...own,
                configuration: configurationIn(models, answer, index),
                load:
                  together(
                    models.map(({ name }, other) => ({
                      model: name,
                      load: answer.loads[other] ?? missingModel(),
                    })),
                  )[index] ?? missingModel(),
              },
      } satisfies SearchSummary,
      // Each names its model: one of them says it for all.
      untried: index === 0 ? untried : [],
    }
  })
}

/** Each model is searched by itself: it is the top of what is varied with it. */
function floorNotes(floors: readonly BatchFloor[], configuration: Configuration | undefined): string[] {
  return configuration === undefined
    ? []
    : floors.flatMap((each) => floorWords([each], each.model, configuration))
}

function modeNotes(context: ProfileContext, model: string): string[] {
  const { mode } = context.config.settingsFor(model).search
  return mode === 'brute'
    ? ['run as a search by steps, not brute: the combinations of several models are too many']
    : []
}

function namesOf(models: readonly RepositoryModel[]): string {
  return models.map(({ name }) => name).join(' + ')
}
