import type { ModelSettings } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import { describeConfiguration } from '../domain/configuration-words.ts'
import { type Load, loadLabel, ownLoad } from '../domain/load.ts'
import type { Scenario } from '../domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { mergeLatencies } from '../load/window.ts'
import { measurementWords } from '../search/answer-words.ts'
import type { SearchPoint, Step } from '../search/state.ts'
import { quantile } from '../stats/quantile.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { measureSides } from './engine.ts'
import { withNeighbours } from './neighbours.ts'
import type { Loaded, RepetitionSettings } from './repetition.ts'
import { type Sample, toRepetition } from './sample.ts'
import { failedScenario, toScenario } from './scenario.ts'
import { serverDeath } from './side.ts'

/** Short enough that twenty fit a pull request; those that matter are measured again for longer. */
const explore: RepetitionSettings = {
  warmupNs: 200 * nsPerMs,
  // Exploring is not worth waiting for.
  maxWarmupNs: 200 * nsPerMs,
  measurementNs: 600 * nsPerMs,
  maxMeasurementNs: 2 * nsPerSecond,
  blockNs: 600 * nsPerMs,
}
/** Half as long again as it takes to explore a fast model: what is left open is how measurements differ, not how requests do. */
const confirm: RepetitionSettings = {
  ...explore,
  measurementNs: nsPerSecond,
  maxMeasurementNs: 4 * nsPerSecond,
}

/**
 * What was measured of each of some models on one server, all under load at once; or why nothing could be: what ends the server
 * loses, and the sweep goes on.
 */
export async function measureAtOnce(
  context: ProfileContext,
  asked: readonly Loaded[],
  purpose: Extract<Step, { kind: 'measure' }>['purpose'],
): Promise<readonly Sample[] | string> {
  const { world, config } = context
  try {
    const [samples] = await measureSides(context, [asked], purpose === 'explore' ? explore : confirm)
    if (samples === undefined || samples.some(({ windows }) => windows.length === 0)) return 'not measured'
    return withNeighbours(asked, samples, config.gate.maxFailureRatio)
  } catch (error) {
    interruptIfAsked(world)
    const death = await serverDeath(world, [...new Set(asked.map(({ model }) => model.live))])
    if (death === null) throw error
    return death.message
  }
}

/** perf_analyzer tells of its windows, and nothing of the time around them. */
export function underLoadOf(sample: Sample | string): number {
  if (typeof sample === 'string') return 0
  const windowsNs = sample.windows.reduce((sum, { durationNs }) => sum + durationNs, 0)
  return sample.underLoadNs ?? windowsNs + (sample.warmUp?.durationNs ?? 0)
}

/** A measurement as a point for the search and as a scenario for the file. */
export interface MeasuredPlace {
  readonly point: SearchPoint
  readonly scenario: Scenario
}

/** What came of one measurement of a sweep; `sample` in words where there is none. */
export function outcomeOf(
  { config }: Pick<ProfileContext, 'config'>,
  configuration: Configuration,
  load: Load,
  sample: Sample | string,
): MeasuredPlace {
  if (typeof sample === 'string') {
    const scenario = failedScenario('sweep', configuration, load, `${loadLabel(load)}: ${sample}`)
    return { point: { configuration, load, metrics: null }, scenario }
  }
  const repetition = toRepetition(sample, load, 0, null, config.gate.maxFailureRatio)
  const scenario = toScenario({ role: 'sweep', configuration, load, measured: [{ sample, repetition }] })
  if (scenario.status === 'failed') return { point: { configuration, load, metrics: null }, scenario }
  const latencies = mergeLatencies(sample.windows)
  // To prune, a percentile from few requests is good enough; what is reported stays null below 299.
  const metrics = {
    ...repetition.metrics,
    latencyP99Ns: repetition.metrics.latencyP99Ns ?? quantile(latencies, 0.99),
  }
  return { point: { configuration, load, metrics }, scenario }
}

/** Of an error the start: the report has all of it. */
const maxErrorLength = 160

/**
 * What came of measurements that were made at once, one line for the progress: `2 instances, … at concurrency 8: 299 infer/s, p99
 * latency 31.2 ms (limit 20 ms)`.
 *
 * @param settings of each model
 */
export function outcomeWords(
  measured: readonly MeasuredPlace[],
  settings: readonly Pick<ModelSettings, 'objectives' | 'constraints'>[],
): string {
  return measured
    .map(({ point: { configuration, load, metrics }, scenario }, index) => {
      const { objectives = [], constraints = [] } = settings[index] ?? {}
      const outcome =
        metrics === null
          ? `failed: ${startOf(withoutLoad(scenario))}`
          : measurementWords(metrics, { objectives, constraints })
      // What is beside it has its own part.
      const { others: _, ...own } = configuration
      const shown = load.beside === undefined ? configuration : own
      return `${describeConfiguration(shown)} at ${loadLabel(ownLoad(load))}: ${outcome}`
    })
    .join(' + ')
}

/** Some errors name the load, for whoever reads them alone; here it stands before them already. */
function withoutLoad({ error = 'no reason given', load }: Scenario): string {
  const prefix = `${loadLabel(load)}: `
  return error.startsWith(prefix) ? error.slice(prefix.length) : error
}

function startOf(error: string): string {
  const [line = ''] = error.split('\n')
  return line.length <= maxErrorLength ? line : `${line.slice(0, maxErrorLength - 1)}…`
}
