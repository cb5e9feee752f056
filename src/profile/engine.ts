import type { Config, PerfAnalyzerFlags, PerfAnalyzerSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { Load } from '../domain/load.ts'
import type { World } from '../domain/world.ts'
import type { GpuSampler } from '../gpu/sampler.ts'
import type { LoadGenerator } from '../load/generator.ts'
import { perfAnalyzerVersion } from '../perf-analyzer/run.ts'
import type { Random } from '../stats/random.ts'
import { measureByPerfAnalyzer } from './perf-analyzer.ts'
import { type Loaded, measureTogether, type RepetitionSettings } from './repetition.ts'
import type { Sample } from './sample.ts'
import type { LiveModel } from './side.ts'

/** What makes the load: the gate's own generator, or perf_analyzer as a process for each level. */
export type Engine =
  | { readonly kind: 'builtin'; readonly generator: LoadGenerator }
  | {
      readonly kind: 'perf_analyzer'
      readonly settings: PerfAnalyzerSettings
      readonly version: string
      readonly flagsFor: (model: string) => PerfAnalyzerFlags
    }

/** What a configuration says of the engine. */
export type EngineConfig = Pick<Config, 'gate' | 'perfAnalyzer' | 'settingsFor'>

/**
 * @throws GateError `environment` where perf_analyzer is asked for and none runs here, `config` where it cannot do what is
 * asked; before anything is measured
 */
export async function openEngine(
  world: World,
  generator: LoadGenerator,
  { gate: { engine: kind }, perfAnalyzer: settings, settingsFor }: EngineConfig,
): Promise<Engine> {
  switch (kind) {
    case 'builtin':
      return { kind, generator }
    case 'perf_analyzer':
      // The key stands for all models.
      if (settingsFor('').requests.checkOutputs === 'first') {
        throw new GateError(
          'config',
          'gate.check_outputs: first is not possible with gate.engine: perf_analyzer',
          {
            hint: 'perf_analyzer keeps the answers to itself. Leave it out, or measure with the gate’s own load.',
          },
        )
      }
      return {
        kind,
        settings,
        flagsFor: (model) => settingsFor(model).perfAnalyzerFlags,
        version: await perfAnalyzerVersion(world, settings),
      }
    default:
      return kind satisfies never
  }
}

/** As it stands in the environment of a measurement; the gate's own generator goes without saying. */
export function engineName(engine: Engine): string | null {
  return engine.kind === 'builtin' ? null : `perf_analyzer ${engine.version}`
}

/** What a repetition is measured with. */
export interface EngineContext {
  readonly world: World
  readonly engine: Engine
  readonly random: Random
  /** null where no GPU is read. */
  readonly gpu: GpuSampler | null
}

/** One repetition on one or more live servers. Returns a sample for each model of each side, in their order. */
export async function measureSides(
  context: EngineContext,
  sides: readonly (readonly Loaded[])[],
  settings: RepetitionSettings,
): Promise<Sample[][]> {
  const { engine } = context
  switch (engine.kind) {
    case 'builtin':
      return measureTogether({ ...context, generator: engine.generator }, sides, settings)
    case 'perf_analyzer': {
      const [first] = sides.flat()
      // Its processes begin and end their windows each by themselves: the configuration is refused.
      if (first === undefined || sides.some(({ length }) => length !== 1))
        throw new GateError('internal', 'perf_analyzer measures one model at a time')
      const models = sides.flatMap((side) => side.map(({ model }) => model))
      const samples = await measureByPerfAnalyzer(context, engine, models, first.load, settings)
      return samples.map((sample) => [sample])
    }
    default:
      return engine satisfies never
  }
}

/** One repetition of one load on a model on one or two live servers. Returns a sample for each side, in their order. */
export async function measureWith(
  context: EngineContext,
  models: readonly LiveModel[],
  load: Load,
  settings: RepetitionSettings,
): Promise<Sample[]> {
  const sides = models.map((model) => [{ model, load }])
  return (await measureSides(context, sides, settings)).flat()
}
