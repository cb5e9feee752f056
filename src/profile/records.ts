import type { Configuration } from '../domain/configuration.ts'
import { asGateError, type GateError } from '../domain/error.ts'
import type { ServerWatch } from '../gpu/sampler.ts'
import type { ModelPlan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import { askOf, type ProfileContext } from './context.ts'
import type { Measured } from './sample.ts'
import { type LiveModel, type LiveServer, openModel, openServer, type SideName } from './side.ts'

/** A model on one side while it is measured: what runs for it now, and everything it gave so far. */
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

/** A server with a model on it, for whoever goes on with it and closes it. */
export interface Running {
  readonly server: LiveServer
  readonly model: LiveModel
}

/** Takes what runs for a side, so that it is not closed with the record; null where nothing does, or not well. */
export function takeRunning(record: SideRecord): Running | null {
  const { server, model, failure } = record
  if (server === null || model === null || failure !== null || server.server.hasExited()) return null
  record.server = null
  record.model = null
  return { server, model }
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

/** A model's plan with what it gives on one side. Those of one side are on one server. */
export interface PlannedRecord {
  readonly plan: ModelPlan
  readonly record: SideRecord
}

/**
 * Starts the sides' servers: at once where that takes half the time, one after the other where the GPU memory
 * of each is to be told apart.
 */
export async function openAll(
  context: ProfileContext,
  sides: readonly (readonly PlannedRecord[])[],
): Promise<void> {
  if (context.gpu !== null) {
    for (const side of sides) await open(context, side, sides.length > 1)
    return
  }
  // All settle before one throws: a server that is still starting then could not be stopped.
  const opened = await Promise.allSettled(sides.map((side) => open(context, side, false)))
  const broken = opened.find((outcome) => outcome.status === 'rejected')
  if (broken !== undefined) throw asGateError(broken.reason)
}

/** One server with a side's models. A model that does not load is data; all else throws. */
async function open(
  context: ProfileContext,
  side: readonly PlannedRecord[],
  besideAnother: boolean,
): Promise<void> {
  const present = side.filter(({ plan, record }) => record.repository.models.has(plan.name))
  const [first] = present
  if (first === undefined) return
  const watch = await context.gpu?.watchServer()
  const server = await openServer(context, first.record.name, first.record.repository.path)
  for (const { record } of present) record.server = server
  const gpuIdle = await watch?.idle(server.server.pids())
  for (const [lane, planned] of present.entries()) {
    const { plan, record } = planned
    const model = record.repository.models.get(plan.name)
    if (model === undefined) continue
    await orFailed(context, planned, async () => {
      record.model = await openModel(context, server, model, { ...askOf(context, plan.name), lane })
      if (gpuIdle !== undefined) record.model = { ...record.model, gpuIdle }
      record.committed = record.model.configuration
      record.inputWarnings = record.model.warnings
      record.inputAdvice = record.model.inputAdvice
    })
  }
  withoutSharedComposing(present.map(({ record }) => record))
  if (watch !== undefined && besideAnother)
    await orFailed(context, first, () => readGpuGrowth(context, present, watch))
}

/** Of a composing model that serves several, the server counts all requests together: those models are not broken down. */
function withoutSharedComposing(records: readonly SideRecord[]): void {
  const counts = new Map<string, number>()
  for (const { model } of records) {
    for (const part of model?.composing ?? []) counts.set(part.model, (counts.get(part.model) ?? 0) + 1)
  }
  for (const record of records) {
    const { model } = record
    const shared = (model?.composing ?? [])
      .map((part) => part.model)
      .filter((name) => (counts.get(name) ?? 0) > 1)
    if (model === null || shared.length === 0) continue
    record.model = { ...model, composing: [] }
    record.inputWarnings = [
      ...record.inputWarnings,
      `not broken down by its composing models: ${shared.join(', ')} also served another model meanwhile`,
    ]
  }
}

async function orFailed(
  { world }: ProfileContext,
  { plan, record }: PlannedRecord,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act()
  } catch (error) {
    const gateError = asGateError(error)
    if (gateError.code !== 'model') throw gateError
    record.failure = gateError
    world.progress(`${plan.name}: ${record.name}: ${gateError.message}`)
  }
}

/**
 * With two servers alive the devices tell nothing of one of them. Where nvidia-smi does not show processes either, what
 * they gain is read here, before the other server starts: after requests, since frameworks allocate when the first come.
 */
async function readGpuGrowth(
  { gpu, generator }: ProfileContext,
  side: readonly PlannedRecord[],
  watch: ServerWatch,
): Promise<void> {
  for (const { plan, record } of side) {
    const { model } = record
    if (model === null) continue
    for (const load of plan.loads) {
      if (await gpu?.showsMemoryOf(model.live.server.pids())) return
      await generator.run(await model.target(load), load, { leadInNs: 0, durationNs: plan.warmupNs })
    }
  }
  const gpuGrowth = await watch.growth()
  for (const { record } of side) if (record.model !== null) record.model = { ...record.model, gpuGrowth }
}

/** A server stops while the next one starts, except where GPU memory is measured: that must be free first. */
export async function closeAll(
  records: readonly SideRecord[],
  stopping: Promise<void>[],
  wait: boolean,
): Promise<void> {
  const servers = new Set<LiveServer>()
  for (const each of records) {
    const { model, server } = each
    each.model = null
    each.server = null
    await model?.detach()
    if (server !== null) servers.add(server)
  }
  for (const server of servers) stopping.push(server.close())
  if (wait) await Promise.all(stopping)
}
