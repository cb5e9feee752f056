import type { Environment } from '../domain/environment.ts'
import { type Measurements, schemaVersion } from '../domain/measurements.ts'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { tool } from '../domain/tool.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { type GpuSampler, startGpuSampler } from '../gpu/sampler.ts'
import { openLoadGenerator } from '../load/generator.ts'
import { removeStaleRegions } from '../load/shared-memory.ts'
import type { Plan } from '../plan/plan.ts'
import { createRandom } from '../stats/random.ts'
import { type Claim, claimDevices } from './claim.ts'
import { measureConcurrently } from './concurrent-models.ts'
import { interruptIfAsked, type ModelSides, type ProfileContext } from './context.ts'
import { engineName, openEngine } from './engine.ts'
import { describeEnvironment } from './environment.ts'
import type { MeasureInput } from './measure-input.ts'
import { measureModel } from './measure-model.ts'
import { resumed } from './resume.ts'
import { openServer, type SideName } from './side.ts'

/**
 * Plan → Measurements: every model's gated loads on both sides, then its sweep; or all models at once. The only loop over
 * models.
 */
export async function measureRepository(world: World, input: MeasureInput): Promise<Measurements> {
  const claim = await claimDevices(world, input.launcher, input.config)
  try {
    return await measureClaimed(world, input, claim)
  } finally {
    await claim.release()
  }
}

async function measureClaimed(world: World, input: MeasureInput, claim: Claim): Promise<Measurements> {
  const { config, plan, launcher } = input
  removeStaleRegions()
  const startNs = world.nowNs()
  const createdAt = world.date()
  const generator = await openLoadGenerator(world)
  let gpu: GpuSampler | null = null
  try {
    const engine = await openEngine(world, generator, config)
    const base = {
      world,
      launcher,
      generator,
      engine,
      config,
      inputs: input.inputs,
      random: createRandom(plan.seed),
      loadTimeoutNs: config.triton.loadTimeoutNs,
      requestDeadlineNs: requestDeadlineNs(plan),
      serverLog: (side: SideName) => (line: string) => input.logServer(`[${side}] ${line}`),
    }
    const idle = await describeEnvironmentOf(base, input.candidate.path, claim)
    gpu = idle.gpus.length === 0 ? null : await startGpuSampler(world, config.triton.gpus)
    const gpuMemoryTotalBytes =
      gpu === null ? null : idle.gpus.reduce((sum, { memoryTotalBytes }) => sum + memoryTotalBytes, 0)
    const context: ProfileContext = { ...base, gpu, gpuMemoryTotalBytes }

    const measurements = (sides: readonly ModelSides[], complete: boolean): Measurements => ({
      kind: 'measurements',
      schemaVersion,
      tool,
      createdAt,
      commit: input.commit,
      ...(input.repositoryPrefix === null ? {} : { repositoryPrefix: input.repositoryPrefix }),
      invocation: input.invocation,
      complete,
      seed: plan.seed,
      environment: idle,
      models: sides.map((side) => side.candidate),
      reference:
        input.reference === null
          ? null
          : {
              description: input.reference.description,
              commit: input.reference.commit,
              models: sides.flatMap((side) => (side.reference === null ? [] : [side.reference])),
            },
      git: input.git,
      ...attributionsOf(sides),
      warnings: [...config.warnings, ...claim.warnings],
      wallNs: world.nowNs() - startNs,
    })
    const isCleared = (candidate: ModelMeasurement) => {
      const own = plan.models.find(({ name }) => name === candidate.name)
      if (own === undefined || !input.screen.isPromising(own, idle)) return false
      return input.screen.isCleared(measurements([{ candidate, reference: null }], false))
    }
    const resuming = { ...input, environment: idle, progress: world.progress, isCleared }
    const known = input.resume === null ? new Map<string, ModelSides>() : resumed(input.resume, resuming)
    const all = () => plan.models.flatMap(({ name }) => known.get(name) ?? [])
    const saveAll = (every: readonly ModelSides[]) => {
      for (const sides of every) known.set(sides.candidate.name, sides)
      input.save(measurements(all(), false))
    }
    if (plan.concurrently) {
      const earlier = all()
      const kept = earlier.length === plan.models.length ? earlier : null
      if (kept === null && earlier.length > 0)
        world.progress('all models are measured afresh, since they are measured at once')
      known.clear()
      const asMeasurements = (every: readonly ModelSides[]) => measurements(every, false)
      saveAll(await measureConcurrently(context, input, kept, saveAll, asMeasurements))
    }
    for (const model of plan.concurrently ? [] : plan.models) {
      const save = (sides: ModelSides) => {
        known.set(model.name, sides)
        input.save(measurements(all(), false))
      }
      const promising = input.screen.isPromising(model, idle)
      const alone = (sides: ModelSides) => measurements([sides], false)
      const earlier = known.get(model.name) ?? null
      save(await measureModel(context, input, { plan: model, earlier, promising, save, alone }))
    }
    interruptIfAsked(world)
    const complete = measurements(all(), true)
    input.save(complete)
    return complete
  } finally {
    gpu?.stop()
    await generator.close()
  }
}

/** Only where there are any: a file without them says the same. */
function attributionsOf(sides: readonly ModelSides[]): Pick<Measurements, 'attributions'> {
  const attributions = sides.flatMap(({ attribution }) => attribution ?? [])
  return attributions.length === 0 ? {} : { attributions }
}

/**
 * What never answers ends here. Longer than any request of a model that a latency gate makes sense for, and
 * so short that a model which hangs leaves time to say so.
 */
function requestDeadlineNs(plan: Plan): number {
  const shareNs = plan.budgetNs / Math.max(1, plan.models.length) / 10
  return Math.min(60 * nsPerSecond, Math.max(5 * nsPerSecond, shareNs))
}

/** Starts one server without a model to learn what it is, and what is on the machine while it idles. */
async function describeEnvironmentOf(
  context: Omit<ProfileContext, 'gpu' | 'gpuMemoryTotalBytes'>,
  repository: string,
  { lockedClocks }: Claim,
): Promise<Environment> {
  context.world.progress(`starting ${context.launcher.mode} Triton: ${context.launcher.source}`)
  const live = await openServer(context, 'candidate', repository)
  try {
    const { gate, triton } = context.config
    return await describeEnvironment(context.world, context.launcher, live.server, {
      gpus: triton.gpus,
      runnerClass: gate.runnerClass,
      lockedClocks,
      inputs: context.inputs,
      engine: engineName(context.engine),
    })
  } finally {
    await live.close()
  }
}
