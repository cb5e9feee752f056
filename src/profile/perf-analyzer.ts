import type { PerfAnalyzerFlags } from '../config/config.ts'
import { type Load, loadLabel } from '../domain/load.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import type { Window } from '../load/generator.ts'
import { crossCheck } from '../perf-analyzer/cross-check.ts'
import { inputDataJson } from '../perf-analyzer/input-data.ts'
import { type LevelOutcome, runLevel } from '../perf-analyzer/run.ts'
import { memoryOfTree } from '../system/process-tree.ts'
import { planBlocks } from './blocks.ts'
import type { Engine, EngineContext } from './engine.ts'
import { watchGpus } from './gpu-readings.ts'
import { paceOf } from './pace.ts'
import { failedWindow, healthOf, silent, toWindows } from './perf-analyzer-windows.ts'
import { countedBetween, type RepetitionSettings, statisticsOf } from './repetition.ts'
import { noGpu, type Sample } from './sample.ts'
import { otherClients } from './server-counts.ts'
import type { Dialogue, LiveModel } from './side.ts'

type PerfAnalyzer = Extract<Engine, { kind: 'perf_analyzer' }>

/** perf_analyzer needs three windows to end, and reports the last three. */
const windowsPerRun = 3

/** Its first window holds the start of its threads and connections, and one without any answer ends it. */
const minWarmupWindowNs = nsPerSecond / 2

/** What a side has so far. */
interface Gathered {
  readonly windows: Window[]
  readonly notes: Set<string>
  unmeasured: string | null
}

/**
 * One repetition with perf_analyzer. A process and three windows are the least it can do, so the sides cannot alternate
 * in short blocks: after a warm-up each they take turns as A B B A, in which a drift of the machine hits both alike.
 * A single side is measured in one run.
 */
export async function measureByPerfAnalyzer(
  { world, random, gpu }: Pick<EngineContext, 'world' | 'random' | 'gpu'>,
  analyzer: PerfAnalyzer,
  models: readonly LiveModel[],
  load: Load,
  settings: RepetitionSettings,
): Promise<Sample[]> {
  const run = (model: LiveModel, windowNs: number, anyStability: boolean) =>
    runLevel(world, analyzer.settings, levelOf(analyzer, model, load, windowNs, anyStability))
  const order = random.shuffle(models.map((_, index) => index))
  const sides = models.map((): Gathered => ({ windows: [], notes: new Set(), unmeasured: null }))

  const warmups: Window[][] = models.map(() => [])
  const warmupWindowNs = Math.max(settings.warmupNs / windowsPerRun, minWarmupWindowNs)
  for (const side of order) {
    const outcome = await run(models[side] as LiveModel, warmupWindowNs, true)
    // What is wrong in the warm-up is not better afterwards: it is the side's result.
    if (outcome.status === 'measured') warmups[side] = toWindows(world, load, outcome)
    else keep(world, load, outcome, sides[side] as Gathered, 0)
  }

  const startNs = world.nowNs()
  const before = await Promise.all(models.map(statisticsOf))
  const readGpus = await watchGpus(world, models, gpu)
  if (warmups.every((windows) => windows.length > 0)) {
    const turns = order.length === 1 ? order : [...order, ...order.toReversed()]
    const { count, blockNs } = planBlocks(
      warmups.map((windows) => paceOf(windows, load)),
      settings,
    )
    const windowNs = (count * blockNs) / ((turns.length / order.length) * windowsPerRun)
    for (const side of turns) {
      // A repetition that lacks one side's half is void: the rest of it would be time lost.
      if (world.signal.aborted || sides.some(({ unmeasured }) => unmeasured !== null)) break
      const model = models[side] as LiveModel
      const outcome = await run(model, windowNs, false)
      keep(world, load, outcome, sides[side] as Gathered, finishingOf(model, load))
    }
  }
  const after = await Promise.all(models.map(statisticsOf))

  const gpus = await readGpus()

  const broken = sides.find(({ unmeasured }) => unmeasured !== null)?.unmeasured ?? null
  return models.map((model, index) => {
    const { windows, notes, unmeasured } = sides[index] as Gathered
    const { server, composing } = countedBetween(model, before[index] ?? [], after[index] ?? [])
    // Half a turn of the other side's is not a measurement of this one.
    const reason = unmeasured ?? (windows.length === 0 ? broken : null)
    return {
      startNs,
      windows,
      server,
      composing,
      ...(gpus.sides[index] ?? noGpu),
      serverMemoryBytes: memoryOfTree(model.live.server.pids()),
      disturbances: [...gpus.disturbances, ...otherClients(server, reason === null ? windows : [])],
      ...(reason === null ? {} : { unmeasured: { reason, client: healthOf(load, silent) } }),
      notes: [...notes],
    }
  })
}

function levelOf(
  analyzer: PerfAnalyzer,
  model: LiveModel,
  load: Load,
  windowNs: number,
  anyStability: boolean,
): Parameters<typeof runLevel>[2] {
  const isBatched = model.configuration.maxBatchSize > 0
  const steps = model
    .inputSteps()
    .map((tensors) =>
      tensors.map(({ name, shape, data }) => ({ name, data, shape: isBatched ? shape.slice(1) : shape })),
    )
  const dialogue = model.dialogue(load)
  return {
    model: model.name,
    grpc: model.live.server.grpc,
    load,
    inputData: inputDataJson(
      steps,
      // Made steps are one stream: perf_analyzer begins it anew as often as a sequence is longer.
      dialogue.sequences === undefined ? null : (dialogue.sequences.streams ?? [steps.length]),
    ),
    windowNs,
    anyStability,
    flags: { ...dialogueFlags(dialogue, load), ...analyzer.flagsFor(model.name) },
  }
}

/** Requests that end the sequences which are live when a run ends. */
function finishingOf(model: LiveModel, load: Load): number {
  const { sequences } = model.dialogue(load)
  if (sequences === undefined) return 0
  const longest = sequences.length ?? Math.max(...(sequences.streams ?? [0]))
  const live = load.mode === 'concurrency' ? load.concurrency : sequences.live
  return live * Math.ceil(longest * (1 + sequences.lengthVariation))
}

/** What the gate's own load does unasked, in perf_analyzer's flags. */
function dialogueFlags({ streaming, sequences }: Dialogue, load: Load): PerfAnalyzerFlags {
  return {
    ...(streaming ? { streaming: true, async: true } : {}),
    ...(sequences === undefined || sequences.length === null
      ? {}
      : {
          'sequence-length': sequences.length,
          'sequence-length-variation': sequences.lengthVariation * 100,
        }),
    // In a closed loop each sequence waits for its answers anyway.
    ...(sequences !== undefined && load.mode === 'requestRate'
      ? { 'num-of-sequences': sequences.live, 'serial-sequences': sequences.serial }
      : {}),
  }
}

/** A failed request is the model's, and data; what did not come to a measurement at all is said as such. */
function keep(world: World, load: Load, outcome: LevelOutcome, side: Gathered, finishing: number): void {
  switch (outcome.status) {
    case 'measured':
      side.windows.push(...toWindows(world, load, outcome, finishing))
      for (const note of notesOf(load, outcome)) side.notes.add(note)
      return
    case 'requestFailed':
    case 'silent':
      side.windows.push(failedWindow(world, load, outcome))
      return
    case 'unstable':
      side.unmeasured = `perf_analyzer_unstable: ${loadLabel(load)}: ${outcome.reason}`
      return
    case 'timedOut':
      side.unmeasured = `perf_analyzer_timeout: ${loadLabel(load)}: ${outcome.reason}`
      return
    default:
      outcome satisfies never
  }
}

function notesOf(load: Load, outcome: Extract<LevelOutcome, { status: 'measured' }>): string[] {
  const lateStart =
    'perf_analyzer takes a request’s latency from when it was sent, not from when it was due: waiting in the client is missing from it'
  return [
    ...(load.mode === 'requestRate' ? [lateStart] : []),
    ...crossCheck(load, outcome.row, outcome.profile),
    ...outcome.self.warnings.map((text) => `perf_analyzer: ${text}`),
  ]
}
