import type { CountSettings, TritonSettings } from '../config/config.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import { type Measurements, schemaVersion } from '../domain/measurements.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import { tool } from '../domain/tool.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { type LoadGenerator, openLoadGenerator, type Window } from '../load/generator.ts'
import { removeStaleRegions } from '../load/shared-memory.ts'
import { configurationOf } from '../model-config/configuration.ts'
import { createRandom } from '../stats/random.ts'
import { composingParts } from '../triton/composing.ts'
import { resolveTriton } from '../triton/launcher.ts'
import { interruptIfAsked } from './context.ts'
import { type EngineConfig, type EngineContext, engineName, measureWith, openEngine } from './engine.ts'
import { describeEnvironment } from './environment.ts'
import { toRepetition } from './sample.ts'
import { toScenario, withAdvice } from './scenario.ts'
import { type AskSettings, attachModel, type LiveModel, openServer, requireReady } from './side.ts'
import { measureUntilTrustworthy, type TrustGoal, type TrustworthySample } from './trustworthy.ts'

export interface RunningInput {
  readonly triton: TritonSettings
  readonly model: string
  readonly loads: readonly Load[]
  /** Measured time of each load, after warm-up; or until its p99 can be trusted. */
  readonly until:
    | { readonly kind: 'duration'; readonly durationNs: number }
    | ({ readonly kind: 'trustworthy' } & Pick<TrustGoal, 'intervalWidth' | 'maxNs'>)
  /** The models that its code calls (business logic scripting); they must be loaded as it is. */
  readonly called?: readonly string[]
  /** What is sent, and how. */
  readonly ask: AskSettings
  /** Requests to be counted instead of time. */
  readonly counts: CountSettings
  readonly seed: number
  readonly maxFailureRatio: number
  readonly engine: EngineConfig
  readonly runnerClass: string | null
  /** Gets the windows of each load with their request logs, which are kept only where this is given. */
  readonly onWindows?: (load: Load, windows: readonly Window[]) => void
  /** Gets all there is after each load. */
  readonly save: (measurements: Measurements) => void
}

/**
 * The first requests after a pause meet cold caches and idle clocks; a second of load ends that for most, and up to four
 * are spent where it does not.
 */
const warmupNs = nsPerSecond

/** Longer than any request of a model that a latency is measured of; ends what never answers. */
const requestDeadlineNs = 60 * nsPerSecond

/** perf_analyzer judges its own windows, so it is given a time: a third of what it takes by itself. */
const perfAnalyzerNs = 5 * nsPerSecond

/** Five stretches of the asked time give the throughput an interval. */
const blocks = 5

/** Measures a model on a server that is already running, as it is: nothing is loaded, unloaded or changed there. */
export async function measureRunning(world: World, input: RunningInput): Promise<Measurements> {
  removeStaleRegions()
  const startNs = world.nowNs()
  const createdAt = world.date()
  const launcher = await resolveTriton(world, input.triton)
  const live = await openServer({ world, launcher, serverLog: () => () => {} }, 'candidate', '')
  let generator: LoadGenerator | null = null
  try {
    for (const name of [input.model, ...(input.called ?? [])]) await requireReady(live.client, name)
    generator = await openLoadGenerator(world)
    if (input.onWindows !== undefined) generator = logging(generator)
    const engine = await openEngine(world, generator, input.engine)
    const environment = await describeEnvironment(world, launcher, live.server, {
      gpus: input.triton.gpus,
      runnerClass: input.runnerClass,
      lockedClocks: new Map(),
      inputs: new Map([[input.model, input.ask.input]]),
      engine: engineName(engine),
    })
    const resolved = await live.client.modelConfig(input.model)
    const model = attachModel(
      { generator, requestDeadlineNs },
      live,
      resolved,
      configurationOf(resolved, true),
      input.ask,
      await composingParts(live.client, resolved, input.called ?? []),
    )
    // The server's GPUs are its own metrics' to tell.
    const context = { world, engine, random: createRandom(input.seed), gpu: null }
    const scenarios: Scenario[] = []
    const warnings: string[] = []
    const measurements = (complete: boolean): Measurements => ({
      kind: 'measurements',
      schemaVersion,
      tool,
      createdAt,
      commit: null,
      complete,
      seed: input.seed,
      environment,
      models: [modelMeasurement(input.model, scenarios, model.warnings)],
      reference: null,
      warnings,
      wallNs: world.nowNs() - startNs,
    })
    for (const load of input.loads) {
      const { sample, shortfall } = await measureOne(context, model, load, input)
      interruptIfAsked(world)
      input.onWindows?.(load, sample.windows)
      if (shortfall !== null) warnings.push(`${loadLabel(load)}: ${shortfall}`)
      const repetition = toRepetition(sample, load, 0, null, input.maxFailureRatio)
      scenarios.push(
        withAdvice(
          toScenario({
            role: 'gate',
            configuration: model.configuration,
            load,
            measured: [{ sample, repetition }],
          }),
          model.inputAdvice,
        ),
      )
      input.save(measurements(false))
    }
    const complete = measurements(true)
    input.save(complete)
    return complete
  } finally {
    await generator?.close()
    await live.close()
  }
}

/** The same generator with a request log in each window. */
function logging(generator: LoadGenerator): LoadGenerator {
  return {
    ...generator,
    run: (targetId, load, options) => generator.run(targetId, load, { ...options, requestLog: true }),
  }
}

async function measureOne(
  context: EngineContext,
  model: LiveModel,
  load: Load,
  { until, counts }: RunningInput,
): Promise<TrustworthySample> {
  const { engine } = context
  const warmUp = { warmupNs, maxWarmupNs: 4 * warmupNs, warmupRequestCount: counts.warmupRequestCount }
  if (until.kind === 'trustworthy' && engine.kind === 'builtin')
    return measureUntilTrustworthy({ ...context, generator: engine.generator }, model, load, {
      ...warmUp,
      ...until,
    })
  const durationNs = until.kind === 'duration' ? until.durationNs : Math.min(perfAnalyzerNs, until.maxNs)
  const settings = {
    ...warmUp,
    requestCount: counts.requestCount,
    measurementNs: durationNs,
    maxMeasurementNs: durationNs,
    blockNs: durationNs / blocks,
  }
  const [sample] = await measureWith(context, [model], load, settings)
  if (sample === undefined) throw new RangeError('a measurement of no side')
  return { sample, shortfall: null }
}

function modelMeasurement(
  name: string,
  scenarios: readonly Scenario[],
  warnings: readonly string[],
): ModelMeasurement {
  return {
    name,
    contentHash: null,
    configText: null,
    status: 'measured',
    scenarios: [...scenarios],
    search: null,
    warnings: [...warnings],
  }
}
