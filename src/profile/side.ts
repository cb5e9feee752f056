import type { RequestSettings } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, type Load, loadKey } from '../domain/load.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import type { GpuMemory, IdleServer } from '../gpu/readings.ts'
import { connectionsFor, type LoadGenerator } from '../load/generator.ts'
import { hasValidationData, inputAdvice, inputWarnings, makeSteps, streamLengths } from '../load/inputs.ts'
import type { InputData } from '../load/read-inputs.ts'
import { encodeInferRequest, type Tensor } from '../load/request.ts'
import { outputCheckOf, requestNotes, sequencePlanOf, streamingOf } from '../load/request-plan.ts'
import type { SequencePlan } from '../load/sequences.ts'
import { createRegion } from '../load/shared-memory.ts'
import { configurationOf, differences } from '../model-config/configuration.ts'
import type { ModelConfig } from '../proto/model_config_pb.js'
import type { RepositoryModel } from '../repository/repository.ts'
import { connectTriton, type TritonClient } from '../triton/client.ts'
import { type ComposingPart, composingParts } from '../triton/composing.ts'
import type { Launcher } from '../triton/launcher.ts'
import { loadModel, unloadModel } from '../triton/load-model.ts'
import { startServer, type TritonServer } from '../triton/server.ts'
import type { Engine } from './engine.ts'
import { registerRegion, unregisterRegion } from './shared-memory.ts'

/** A side of a comparison: the candidate, the reference it is compared with, or a mix of both. */
export type SideName = 'candidate' | 'reference' | `mix ${string}`

export interface SideContext {
  readonly world: World
  readonly launcher: Launcher
  readonly generator: LoadGenerator
  readonly engine: Engine
  readonly loadTimeoutNs: number
  /** A request that has no answer by then has failed. */
  readonly requestDeadlineNs: number
  readonly serverLog: (side: SideName) => (line: string) => void
}

/** What is sent to a model, and how. */
export interface AskSettings {
  readonly input: InputData
  readonly requests: RequestSettings
  /** Of the load generator's, where other models are under load at the same time. */
  readonly lane?: number
}

/** A running server with its control plane. */
export interface LiveServer {
  readonly side: SideName
  readonly server: TritonServer
  readonly client: TritonClient
  readonly close: () => Promise<void>
}

export interface Dialogue {
  /** Over ModelStreamInfer. */
  readonly streaming: boolean
  /** Of a model with sequence batching only. */
  readonly sequences: SequencePlan | undefined
}

/** A model that is loaded on a server, and requests ready to be sent to it. */
export interface LiveModel {
  readonly name: string
  readonly live: LiveServer
  readonly configuration: Configuration
  readonly isEnsemble: boolean
  /** The models that it needs to answer, and whose statistics are read with its own. */
  readonly composing: readonly ComposingPart[]
  /** What a user should know about the made inputs. */
  readonly warnings: readonly string[]
  /** What to say where no request at all succeeds; null where the user gave all the data. */
  readonly inputAdvice: string | null
  /** Opens (once) the connections for a load; returns the generator's target. */
  readonly target: (load: Load) => Promise<string>
  /** The inputs of its requests, in turn, at batch size 1. */
  readonly inputSteps: () => readonly (readonly Tensor[])[]
  /** How its requests travel, and belong together. */
  readonly dialogue: (load: Load) => Dialogue
  /** What its server took of the GPUs, read while it started; only where it cannot be read under load. */
  readonly gpuGrowth?: GpuMemory
  /** What its server held of the GPUs before the model was loaded. */
  readonly gpuIdle?: IdleServer
  /** Closes the connections; the model stays loaded. */
  readonly detach: () => Promise<void>
}

export async function openServer(
  context: Pick<SideContext, 'world' | 'launcher' | 'serverLog'>,
  side: SideName,
  repository: string,
  flags: readonly string[] = [],
): Promise<LiveServer> {
  const server = await startServer(context.world, context.launcher, {
    repository,
    flags,
    onLog: context.serverLog(side),
  })
  const client = connectTriton(server.grpc)
  return {
    side,
    server,
    client,
    close: async () => {
      client.close()
      await server.stop()
    },
  }
}

/** A broken connection is seen a moment before the process is gone, a dump of its core included. */
const deathGraceNs = 2 * nsPerSecond

/** A crash's stack is long; what led to it stands at its head, what the model said just before that. */
const lastWords = 20

/**
 * What to say where measuring broke off because a server ended: that is the model's doing, and data as a
 * model that does not load. Null where all servers live, so that it was something else.
 */
export async function serverDeath(world: World, servers: readonly LiveServer[]): Promise<GateError | null> {
  await Promise.race([...servers.map(({ server }) => server.exited), world.sleep(deathGraceNs)])
  const dead = servers.find(({ server }) => server.hasExited())
  if (dead === undefined) return null
  const last = dead.server.logTail(1000).find((line) => /^Signal \(\d+\) received/.test(line))
  const how = last === undefined ? '' : `: ${last}`
  return new GateError('model', `the ${dead.side}'s server ended while it was measured${how}`, {
    hint: `The whole log is in server.log. It ends with:\n${dead.server.logTail(lastWords).join('\n')}`,
  })
}

/**
 * Loads a model (on a remote server: checks that it is there) and prepares its requests. With `override` the
 * ModelConfig is loaded in place of the repository's and `configuration` says what it is.
 */
export async function openModel(
  context: SideContext,
  live: LiveServer,
  model: RepositoryModel,
  settings: AskSettings,
  override?: { readonly json: string; readonly configuration: Configuration },
): Promise<LiveModel> {
  const { client, server } = live
  if (context.launcher.mode === 'remote') {
    for (const name of [...model.called, model.name]) await requireReady(client, name)
  } else {
    const timeoutNs = context.loadTimeoutNs
    // Triton loads an ensemble's steps with it, but knows nothing of what a model's code calls.
    for (const name of model.called) {
      if (!(await client.modelReady(name)))
        await loadModel(context.world, server, client, name, { timeoutNs })
    }
    const options = override === undefined ? { timeoutNs } : { timeoutNs, configJson: override.json }
    await loadModel(context.world, server, client, model.name, options)
  }
  const resolved = await client.modelConfig(model.name)
  const actual = configurationOf(resolved, true)
  if (override !== undefined) requireSame(override.configuration, resolved)
  const composing = await composingParts(client, resolved, model.called)
  return attachModel(context, live, resolved, override?.configuration ?? actual, settings, composing)
}

export async function closeModel(context: SideContext, model: LiveModel): Promise<void> {
  await model.detach()
  await unloadModel(context.world, model.live.client, model.name, { timeoutNs: context.loadTimeoutNs })
}

export async function requireReady(client: TritonClient, name: string): Promise<void> {
  if (await client.modelReady(name)) return
  throw new GateError('model', `model '${name}' is not ready on the remote server`, {
    hint: 'Load it there first, or name another model.',
  })
}

function requireSame(wanted: Configuration, resolved: ModelConfig): void {
  const found = differences(wanted, resolved)
  if (found.length === 0) return
  throw new GateError(
    'model',
    `the server resolved another configuration than was loaded (${found.join('; ')})`,
  )
}

/** Requests for a model that is loaded already. */
export function attachModel(
  context: Pick<SideContext, 'generator' | 'requestDeadlineNs'>,
  live: LiveServer,
  resolved: ModelConfig,
  configuration: Configuration,
  settings: AskSettings,
  composing: readonly ComposingPart[] = [],
): LiveModel {
  const targets = new Map<string, Promise<OpenTarget>>()
  return {
    name: resolved.name,
    live,
    configuration,
    isEnsemble: resolved.schedulingChoice.case === 'ensembleScheduling',
    composing,
    warnings: [
      ...inputWarnings(resolved, settings.input),
      ...requestNotes(resolved, settings.requests, hasValidationData(settings.input, resolved)),
    ],
    inputAdvice: inputAdvice(resolved, settings.input),
    inputSteps: () => makeSteps(resolved, settings.input, 1).map(({ inputs }) => inputs),
    dialogue: (load) => ({
      streaming: streamingOf(resolved, settings.requests) !== undefined,
      sequences: sequencePlanOf(resolved, settings.requests, load, streamLengths(settings.input)),
    }),
    target: (load) => {
      const id = `${live.side}/${resolved.name}/${loadKey(load)}`
      const open = targets.get(id) ?? openTarget(context, id, live, resolved, settings, load)
      targets.set(id, open)
      return open.then((target) => target.id)
    },
    detach: async () => {
      // A target that could not be opened has nothing to close, and its error was told where it was asked for.
      for (const target of await Promise.allSettled(targets.values())) {
        if (target.status === 'fulfilled') await target.value.close()
      }
      targets.clear()
    },
  }
}

interface OpenTarget {
  readonly id: string
  readonly close: () => Promise<void>
}

async function openTarget(
  { generator, requestDeadlineNs }: Pick<SideContext, 'generator' | 'requestDeadlineNs'>,
  id: string,
  live: LiveServer,
  config: ModelConfig,
  { input, requests, lane = 0 }: AskSettings,
  load: Load,
): Promise<OpenTarget> {
  const streaming = streamingOf(config, requests)
  const sequences = sequencePlanOf(config, requests, load, streamLengths(input))
  const batchSize = batchSizeOf(load)
  const steps = makeSteps(config, input, batchSize)
  const { sharedMemory } = input.settings
  const check = outputCheckOf(config, requests, steps)
  const region =
    sharedMemory === null ? null : createRegion(config, steps, batchSize, sharedMemory.outputBytes)
  const removeRegion = async () => {
    if (region === null) return
    await unregisterRegion(live, region)
    region.remove()
  }
  try {
    if (region !== null) await registerRegion(live, region)
    await generator.open({
      id,
      ...live.server.grpc,
      frames: (region?.requests ?? steps.map(({ inputs }) => ({ model: config.name, inputs }))).map(
        encodeInferRequest,
      ),
      connections: connectionsFor(load),
      deadlineNs: requestDeadlineNs,
      lane,
      ...(streaming === undefined ? {} : { streaming }),
      ...(sequences === undefined ? {} : { sequences }),
      ...(check === undefined
        ? {}
        : { check: { ...check, ...(region === null ? {} : { shared: region.outputs }) } }),
    })
  } catch (error) {
    await removeRegion()
    throw error
  }
  return {
    id,
    close: async () => {
      generator.closeTarget(id)
      await removeRegion()
    },
  }
}
