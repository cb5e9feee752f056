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
  const begun = { startNs: world.nowNs(), createdAt: world.date() }
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
    const fileOf = filer(world, input, claim, { ...begun, environment: idle })
    const measured = await measureModels(context, input, idle, (sides) => fileOf(sides, false))
    interruptIfAsked(world)
    const complete = fileOf(measured, true)
    input.save(complete)
    return complete
  } finally {
    gpu?.stop()
    await generator.close()
  }
}

/** Makes the file of this run from what there is of its models. */
function filer(
  world: World,
  input: MeasureInput,
  claim: Claim,
  { startNs, ...begun }: Pick<Measurements, 'createdAt' | 'environment'> & { readonly startNs: number },
): (sides: readonly ModelSides[], complete: boolean) => Measurements {
  const { commit, repositoryPrefix, invocation, plan, reference, git, config } = input
  return (sides, complete) => ({
    kind: 'measurements',
    schemaVersion,
    tool,
    createdAt: begun.createdAt,
    commit,
    ...(repositoryPrefix === null ? {} : { repositoryPrefix }),
    invocation,
    complete,
    seed: plan.seed,
    environment: begun.environment,
    models: sides.map((side) => side.candidate),
    reference:
      reference === null
        ? null
        : {
            description: reference.description,
            commit: reference.commit,
            models: sides.flatMap((side) => (side.reference === null ? [] : [side.reference])),
          },
    git,
    ...attributionsOf(sides),
    ...(config.ignoredKeys.length === 0 ? {} : { ignoredKeys: config.ignoredKeys }),
    warnings: [...config.warnings, ...claim.warnings],
    wallNs: world.nowNs() - startNs,
  })
}

/** All models of the plan, one after the other or at once; those that an earlier run has are gone on with. Saved as they come. */
async function measureModels(
  context: ProfileContext,
  input: MeasureInput,
  environment: Environment,
  fileOf: (sides: readonly ModelSides[]) => Measurements,
): Promise<readonly ModelSides[]> {
  const { world } = context
  const { plan, screen } = input
  const isCleared = (candidate: ModelMeasurement) => {
    const own = plan.models.find(({ name }) => name === candidate.name)
    if (own === undefined || !screen.isPromising(own, environment)) return false
    return screen.isCleared(fileOf([{ candidate, reference: null }]))
  }
  const resuming = { ...input, environment, progress: world.progress, isCleared }
  const known = input.resume === null ? new Map<string, ModelSides>() : resumed(input.resume, resuming)
  const all = () => plan.models.flatMap(({ name }) => known.get(name) ?? [])
  const save = (every: readonly ModelSides[]) => {
    for (const sides of every) known.set(sides.candidate.name, sides)
    input.save(fileOf(all()))
  }
  if (plan.concurrently) {
    const earlier = all()
    const kept = earlier.length === plan.models.length ? earlier : null
    if (kept === null && earlier.length > 0)
      world.progress('all models are measured afresh, since they are measured at once')
    known.clear()
    save(await measureConcurrently(context, input, kept, save, fileOf))
    return all()
  }
  for (const model of plan.models) {
    const measured = await measureModel(context, input, {
      plan: model,
      earlier: known.get(model.name) ?? null,
      promising: screen.isPromising(model, environment),
      save: (sides) => save([sides]),
      alone: (sides) => fileOf([sides]),
    })
    save([measured])
  }
  return all()
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
