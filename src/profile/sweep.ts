import type { Configuration } from '../domain/configuration.ts'
import type { SearchSummary } from '../domain/sweep.ts'
import { besideServers } from '../gpu/sampler.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { withMembers } from '../search/space.ts'
import { floorWords } from './batch-floor.ts'
import { Bench } from './bench.ts'
import { interruptIfAsked, type ProfileContext } from './context.ts'
import { hasGpu } from './instance-kinds.ts'
import { membersOf, ownSpace } from './members.ts'
import type { Running } from './records.ts'
import { failedScenario } from './scenario.ts'
import { runSweep, type SweepRig, type SweepState } from './sweep-loop.ts'
import { measureAtOnce, outcomeOf, outcomeWords, underLoadOf } from './sweep-measurement.ts'
import { summarize } from './sweep-summary.ts'

/** A model to be swept, and where. */
export interface SweepInput {
  readonly repository: ModelRepository
  readonly model: RepositoryModel
  readonly committed: Configuration
  /** For the whole sweep, what was spent before it was stopped included. */
  readonly timeNs: number
  /** The committed configuration on a server, to begin with; it is closed at the end. null = start one. */
  readonly running: Running | null
  /** How many may be alive beside each other. */
  readonly servers: number
}

export interface Sweep extends SweepState {
  readonly summary: SearchSummary
  /** What was asked for and not tried, a clause each. */
  readonly untried: readonly string[]
}

/**
 * Sweeps one model's configurations and loads, as the search proposes them, within the plan's
 * time; or goes on with a sweep that was stopped. `save` gets all there is after each measurement.
 */
export async function sweepModel(
  context: ProfileContext,
  input: SweepInput,
  from: SweepState,
  save: (state: SweepState) => void,
): Promise<Sweep> {
  const { world, config } = context
  const { model, servers, timeNs } = input
  const bench = new Bench(context, input)
  const settings = config.settingsFor(model.name)
  try {
    const { space, floors, untried } = spaceOf(context, input)
    const rig = {
      nowNs: world.nowNs,
      servers,
      measure: measurer(watching(context, bench, servers), bench, model.name),
    }
    const finished = await runSweep(rig, { ...settings, space, timeNs }, from, save)
    const doneNs = world.nowNs()
    const { answer } = finished.done
    world.progress(`${model.name}: sweep done: ${finished.done.reason}`)
    if (answer !== null) await bench.verify(answer.configuration)
    const floorNotes = answer === null ? [] : floorWords(floors, model.name, answer.configuration)
    const verifyNs = world.nowNs() - doneNs
    await bench.close()
    const stopNs = world.nowNs() - doneNs - verifyNs
    return {
      ...finished,
      summary: summarize(settings, space, finished, { verifyNs, stopNs }, floorNotes),
      untried,
    }
  } finally {
    await bench.close()
  }
}

function spaceOf(context: ProfileContext, input: SweepInput): ReturnType<typeof ownSpace> {
  const { config, launcher, gpuMemoryTotalBytes } = context
  const { model } = input
  const settings = config.settingsFor(model.name)
  const { mode } = settings.search
  // Reloading models under a server that others use is not ours to do.
  const loadsAllowed = launcher.mode !== 'remote' && model.config !== null
  const searched = { ...input, hasGpu: hasGpu(context) }
  const own = ownSpace(searched, settings, loadsAllowed)
  const memory = gpuMemoryTotalBytes === null ? {} : { gpuMemoryBytes: gpuMemoryTotalBytes }
  if (!loadsAllowed || mode === 'off') return { ...own, space: { ...own.space, ...memory } }
  const { members, floors, untried } = membersOf(searched, config, mode, own.space.loads)
  return {
    space: { ...withMembers(own.space, members, mode), ...memory },
    floors: [...own.floors, ...floors],
    untried: [...own.untried, ...untried],
  }
}

/** Where there may be several servers on a GPU, each is told from the others. */
function watching(context: ProfileContext, bench: Bench, servers: number): ProfileContext {
  const { gpu } = context
  return gpu === null || servers === 1 ? context : { ...context, gpu: besideServers(gpu, () => bench.pids()) }
}

/** Loads and measures what the search proposes, and says what came of it. */
function measurer(context: ProfileContext, bench: Bench, name: string): SweepRig['measure'] {
  const { world, config } = context
  const settings = config.settingsFor(name)
  return async (step, index, replaced) => {
    interruptIfAsked(world)
    const measured = await measureStep(context, bench, step, replaced)
    world.progress(`${name}: sweep ${index + 1}: ${outcomeWords([measured], [settings])}; ${step.why}`)
    return measured
  }
}

async function measureStep(
  context: ProfileContext,
  bench: Bench,
  { configuration, load, purpose }: Parameters<SweepRig['measure']>[0],
  replaced: Configuration | null,
): ReturnType<SweepRig['measure']> {
  const { world } = context
  const { model, ...took } = await bench.load(configuration, replaced)
  if (typeof model === 'string') {
    const scenario = failedScenario('sweep', configuration, load, model)
    const point = { configuration, load, metrics: null }
    return { point, scenario, ...took, measureNs: 0, underLoadNs: 0 }
  }
  const startNs = world.nowNs()
  const samples = await measureAtOnce(context, [{ model, load }], purpose)
  const measured = typeof samples === 'string' ? samples : (samples[0] ?? 'not measured')
  const measureNs = world.nowNs() - startNs
  const { point, scenario } = outcomeOf(context, configuration, load, measured)
  if (point.metrics === null) bench.discard(configuration)
  return { point, scenario, ...took, measureNs, underLoadNs: underLoadOf(measured) }
}
