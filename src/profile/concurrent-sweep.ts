import { defaultSearch } from '../config/defaults.ts'
import { type Configuration, configurationKey, withOther } from '../domain/configuration.ts'
import { type Load, loadLabel, ownLoad, together } from '../domain/load.ts'
import type { SearchSummary } from '../domain/scenario.ts'
import { countInWords } from '../domain/words.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import {
  type ConcurrentModel,
  type ConcurrentPlace,
  type ConcurrentPoint,
  type ConcurrentStep,
  nextConcurrentStep,
  placeKey,
} from '../search/concurrent.ts'
import { answersOf } from '../search/concurrent-answer.ts'
import { nextMixStep } from '../search/concurrent-capacity.ts'
import { makeConcurrentBench } from './concurrent-bench.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { hasGpu } from './instance-kinds.ts'
import { ownSpace } from './members.ts'
import { judge, measureAtOnce, type Sweep, underLoadOf } from './sweep.ts'
import { costOf, type SweepState } from './sweep-loop.ts'

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
  const untried: string[] = []
  const models = modelsOf(context, input, untried)
  const bench = makeConcurrentBench(context, input.repository, input.models)
  const startNs = world.nowNs()
  const begun = from[0]?.progress
  let states = within(models, from)
  const spentNs = () => (begun?.spentNs ?? 0) + world.nowNs() - startNs
  try {
    for (;;) {
      const points = pointsOf(models, states)
      const state = {
        models,
        gated: input.gated,
        points: points.filter(({ purpose }) => purpose !== 'capacity'),
        budget: {
          maxMeasurements: input.models.reduce((sum, { name }) => sum + budgetOf(context, name), 0),
          timeLeftNs: input.timeNs - spentNs(),
          costNs: costOf((states[0] ?? never()).progress),
        },
      }
      const next = nextConcurrentStep(state)
      const step =
        next.kind === 'done'
          ? (nextMixStep({ ...state, points }, next.answer, capacitySteps(context, input)) ?? next)
          : next
      if (step.kind === 'done') {
        const doneNs = world.nowNs()
        const searchedNs = spentNs()
        await bench.close()
        const took = { spentNs: searchedNs, stopNs: world.nowNs() - doneNs }
        return finish(context, models, states, points, step, took, untried)
      }
      interruptIfAsked(world)
      world.progress(`${names(input.models)}: sweep ${points.length + 1}: ${words(step.place)} (${step.why})`)
      const measured = await measurePlace(context, input, bench, models, step)
      states = states.map(({ progress: now, scenarios }, index) => {
        const { point, scenario } = measured.models[index] ?? never()
        return {
          scenarios: [...scenarios, scenario],
          progress: {
            ...now,
            points: [
              ...now.points,
              step.purpose === 'capacity' ? { ...point, purpose: step.purpose } : point,
            ],
            spentNs: spentNs(),
            loads: now.loads + (measured.loadNs === null ? 0 : 1),
            loadingNs: now.loadingNs + (measured.loadNs ?? 0),
            measuringNs: now.measuringNs + measured.measureNs,
            startingNs: (now.startingNs ?? 0) + measured.startNs,
            underLoadNs: (now.underLoadNs ?? 0) + measured.underLoadNs,
          },
        }
      })
      save(states)
    }
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

function never(): never {
  throw new RangeError('a sweep without one of its models')
}

function modelsOf(
  context: ProfileContext,
  { models, committed, repository }: ConcurrentSweepInput,
  untried: string[],
): ConcurrentModel[] {
  const settings = models.map(({ name }) => context.config.settingsFor(name))
  const total = settings.reduce((sum, { weighting }) => sum + weighting, 0)
  return models.map((model, index) => {
    const { objectives, constraints, weighting, ...own } = settings[index] ?? never()
    const is = committed[index] ?? never()
    const space = ownSpace(own, repository, model, is, model.config !== null, hasGpu(context), untried)
    return { name: model.name, space, objectives, constraints, weight: weighting / total }
  })
}

type BenchOf = ReturnType<typeof makeConcurrentBench>

async function measurePlace(
  context: ProfileContext,
  { models: repositoryModels }: ConcurrentSweepInput,
  bench: BenchOf,
  models: readonly ConcurrentModel[],
  { place, purpose }: Extract<ConcurrentStep, { kind: 'measure' }>,
) {
  const { world } = context
  const loads = together(
    models.map(({ name }, index) => ({ model: name, load: place.loads[index] ?? never() })),
  )
  const configurations = models.map((_, index) => configurationIn(models, place, index))
  const { models: live, ...took } = await bench.load(place.configurations)
  const beginNs = world.nowNs()
  const samples =
    typeof live === 'string'
      ? live
      : await measureAtOnce(
          context,
          live.map((model, index) => ({ model, load: loads[index] ?? never() })),
          purpose,
        )
  const judged = repositoryModels.map((_, index) => {
    const sample = typeof samples === 'string' ? samples : (samples[index] ?? 'not measured')
    return judge(context, configurations[index] ?? never(), loads[index] ?? never(), sample)
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
  }, configurations[own] ?? never())
}

/** The models' points as those of combinations, by their place in each list. */
function pointsOf(models: readonly ConcurrentModel[], states: readonly SweepState[]): ConcurrentPoint[] {
  const lists = states.map(({ progress }) => progress.points)
  return (lists[0] ?? []).map((_, at) => {
    const own = lists.map((points) => points[at] ?? never())
    const metrics = own.map((point) => point.metrics)
    const measured = metrics.filter((each) => each !== null)
    return {
      configurations: own.map(({ configuration }, index) =>
        ownConfiguration(models[index] ?? never(), configuration),
      ),
      loads: own.map(({ load }) => ownLoad(load)),
      metrics: measured.length === metrics.length ? measured : null,
      purpose: own[0]?.purpose,
    }
  })
}

function ownConfiguration({ space }: ConcurrentModel, { others: _, ...own }: Configuration): Configuration {
  return space.configurations.find((each) => configurationKey(each) === configurationKey(own)) ?? own
}

/** Without what is no longer to be searched for any of the models, since the configuration file says so. */
function within(models: readonly ConcurrentModel[], states: readonly SweepState[]): readonly SweepState[] {
  const lengths = new Set(
    states.flatMap(({ progress, scenarios }) => [progress.points.length, scenarios.length]),
  )
  const kept = pointsOf(models, lengths.size === 1 ? states : []).map(({ configurations }) =>
    configurations.every((configuration, index) =>
      models[index]?.space.configurations.some(
        (each) => configurationKey(each) === configurationKey(configuration),
      ),
    ),
  )
  return states.map(({ progress, scenarios }) => ({
    progress: { ...progress, points: progress.points.filter((_, index) => kept[index]) },
    scenarios: scenarios.filter((_, index) => kept[index]),
  }))
}

function finish(
  context: ProfileContext,
  models: readonly ConcurrentModel[],
  states: readonly SweepState[],
  points: readonly ConcurrentPoint[],
  { answer, reason }: Extract<ConcurrentStep, { kind: 'done' }>,
  { spentNs, stopNs }: { readonly spentNs: number; readonly stopNs: number },
  untried: readonly string[],
): Sweep[] {
  const answers = answer === null ? [] : answersOf(models, answer)
  const bisected = points.filter(({ purpose }) => purpose === 'capacity').length
  const tried = new Set(points.filter(({ purpose }) => purpose !== 'capacity').map(placeKey)).size
  return states.map(({ progress, scenarios }, index) => {
    const own = answers[index]
    const { startingNs = 0, underLoadNs = 0, loadingNs } = progress
    return {
      progress: { ...progress, spentNs },
      scenarios,
      summary: {
        mode: 'quick',
        measurements: points.length - bisected,
        stopped: reason,
        wallNs: spentNs + stopNs,
        underLoadNs,
        phases: {
          startNs: startingNs,
          loadNs: loadingNs,
          stopNs,
          otherNs: Math.max(0, spentNs - startingNs - loadingNs - underLoadNs),
        },
        notes: [
          `${countInWords(tried, 'combination')} of ${models.map(({ name }) => name).join(' and ')} at their loads were tried`,
          ...(bisected === 0
            ? []
            : [`${countInWords(bisected, 'more measurement')} bisected for the capacity`]),
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
                    models.map(({ name }, other) => ({ model: name, load: answer.loads[other] ?? never() })),
                  )[index] ?? never(),
              },
      } satisfies SearchSummary,
      // Each names its model: one of them says it for all.
      untried: index === 0 ? untried : [],
    }
  })
}

function modeNotes(context: ProfileContext, model: string): string[] {
  const { mode } = context.config.settingsFor(model).search
  return mode === 'brute'
    ? ['run as a search by steps, not brute: the combinations of several models are too many']
    : []
}

function names(models: readonly RepositoryModel[]): string {
  return models.map(({ name }) => name).join(' + ')
}

function words({ configurations, loads }: ConcurrentPlace): string {
  return configurations
    .map((configuration, index) => {
      const load = loads[index]
      return `${configurationKey(configuration)} at ${load === undefined ? '' : loadLabel(load)}`
    })
    .join(' + ')
}
