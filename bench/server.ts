import { join } from 'node:path'
import { defaultInput } from '../src/config/defaults.ts'
import { loadConfig } from '../src/config/load-config.ts'
import { nsPerSecond, type World } from '../src/domain/world.ts'
import { makeSteps } from '../src/load/inputs.ts'
import { readInputs } from '../src/load/read-inputs.ts'
import { encodeInferRequest } from '../src/load/request.ts'
import { createNodeWorld } from '../src/system/node-world.ts'
import { connectTriton, type TritonClient } from '../src/triton/client.ts'
import { resolveTriton } from '../src/triton/launcher.ts'
import { loadModel } from '../src/triton/load-model.ts'
import { startServer, type TritonServer } from '../src/triton/server.ts'

export const root = join(import.meta.dirname, '..')

/** The embedded Triton with some of the example models loaded. */
export interface BenchServer {
  readonly world: World
  readonly server: TritonServer
  readonly client: TritonClient
  /** Whole gRPC frames for a model; zeros, so that every client can send the same bytes. */
  readonly frames: (model: string) => Promise<Uint8Array[]>
  readonly close: () => Promise<void>
}

export async function openBenchServer(models: readonly string[]): Promise<BenchServer> {
  const abort = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort())
  const world = createNodeWorld({
    progress: (message) => console.error(message),
    loadWorker: new URL('../src/load/worker.ts', import.meta.url),
    signal: abort.signal,
  })
  const { triton } = await loadConfig({ file: null, overrides: { triton: 'embedded' } })
  const launcher = await resolveTriton(world, triton)
  const server = await startServer(world, launcher, { repository: join(root, 'examples/model_repository') })
  const client = connectTriton(server.grpc)
  const close = async () => {
    client.close()
    await server.stop()
  }
  try {
    for (const model of models)
      await loadModel(world, server, client, model, { timeoutNs: 120 * nsPerSecond })
  } catch (error) {
    await close()
    throw error
  }
  return {
    world,
    server,
    client,
    frames: async (model) => {
      const config = await client.modelConfig(model)
      return makeSteps(config, await readInputs({ ...defaultInput, data: 'zero', seed: 1 }), 1).map(
        ({ inputs }) => encodeInferRequest({ model, inputs }),
      )
    },
    close,
  }
}
