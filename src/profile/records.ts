import type { Configuration } from '../domain/configuration.ts'
import { asGateError, type GateError } from '../domain/error.ts'
import type { ServerWatch } from '../gpu/sampler.ts'
import type { ModelPlan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { askOf, type ProfileContext } from './profile.ts'
import type { Measured } from './sample.ts'
import { type LiveModel, type LiveServer, openModel, openServer, type SideName } from './side.ts'

/** A side while it is measured: what runs for it now, and everything it gave so far. */
export interface SideRecord {
  readonly name: SideName
  readonly repository: ModelRepository
  /** By load, then by the repetition's index: the two sides pair by that. */
  readonly measured: Map<string, Map<number, Measured>>
  server: LiveServer | null
  model: LiveModel | null
  committed: Configuration | null
  /** What a user should know about the inputs that were made up. */
  inputWarnings: readonly string[]
  /** What to say where no request succeeds. */
  inputAdvice: string | null
  failure: GateError | null
}

export function makeRecord(name: SideName, repository: ModelRepository): SideRecord {
  return {
    name,
    repository,
    measured: new Map(),
    server: null,
    model: null,
    committed: null,
    inputWarnings: [],
    inputAdvice: null,
    failure: null,
  }
}

/**
 * Starts the sides' servers: at once where that takes half the time, one after the other where the GPU memory
 * of each is to be told apart.
 */
export async function openAll(
  context: ProfileContext,
  plan: ModelPlan,
  records: readonly SideRecord[],
): Promise<void> {
  if (context.gpu !== null) {
    for (const each of records) await open(context, plan, each, records.length > 1)
    return
  }
  // All settle before one throws: a server that is still starting then could not be stopped.
  const opened = await Promise.allSettled(records.map((each) => open(context, plan, each, false)))
  const broken = opened.find((outcome) => outcome.status === 'rejected')
  if (broken !== undefined) throw asGateError(broken.reason)
}

/** A model that does not load is data; all else throws. */
async function open(
  context: ProfileContext,
  plan: ModelPlan,
  each: SideRecord,
  besideAnother: boolean,
): Promise<void> {
  const settings = askOf(context, plan.name)
  const model = each.repository.models.get(plan.name)
  if (model === undefined) return
  const watch = await context.gpu?.watchServer()
  each.server = await openServer(context, each.name, each.repository.path)
  const gpuIdle = await watch?.idle(each.server.server.pids())
  try {
    each.model = await openModel(context, each.server, model, settings)
    if (gpuIdle !== undefined) each.model = { ...each.model, gpuIdle }
    if (watch !== undefined && besideAnother)
      each.model = await withGpuGrowth(context, plan, each.model, watch)
    each.committed = each.model.configuration
    each.inputWarnings = each.model.warnings
    each.inputAdvice = each.model.inputAdvice
  } catch (error) {
    const gateError = asGateError(error)
    if (gateError.code !== 'model') throw gateError
    each.failure = gateError
    context.world.progress(`${plan.name}: ${each.name}: ${gateError.message}`)
  }
}

/**
 * With two servers alive the devices tell nothing of one of them. Where nvidia-smi does not show processes either, what
 * they gain is read here, before the other server starts: after requests, since frameworks allocate when the first come.
 */
async function withGpuGrowth(
  { gpu, generator }: ProfileContext,
  plan: ModelPlan,
  model: LiveModel,
  watch: ServerWatch,
): Promise<LiveModel> {
  for (const load of plan.loads) {
    if (await gpu?.showsMemoryOf(model.live.server.pids())) return model
    await generator.run(await model.target(load), load, { leadInNs: 0, durationNs: plan.warmupNs })
  }
  return { ...model, gpuGrowth: await watch.growth() }
}

/** A server stops while the next one starts, except where GPU memory is measured: that must be free first. */
export async function closeAll(
  records: readonly SideRecord[],
  stopping: Promise<void>[],
  wait: boolean,
): Promise<void> {
  for (const each of records) {
    const { model, server } = each
    each.model = null
    each.server = null
    await model?.detach()
    if (server !== null) stopping.push(server.close())
  }
  if (wait) await Promise.all(stopping)
}
