import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TritonSettings } from '../../src/config/config.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { type LoadGenerator, openLoadGenerator } from '../../src/load/generator.ts'
import { connectTriton, type TritonClient } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer, type TritonServer } from '../../src/triton/server.ts'
import { embeddedLauncher, testWorld } from './embedded-triton.ts'

/** The real embedded Triton with models loaded on it, and a load generator beside it. */
export interface LoadedServer {
  readonly world: World
  readonly repository: string
  readonly server: TritonServer
  readonly client: TritonClient
  readonly generator: LoadGenerator
  /** Ends all of it, and removes the repository. */
  readonly close: () => Promise<void>
}

/** Starts it on a repository that `write` fills, and loads `models` one after the other. */
export async function openLoadedServer(
  models: readonly string[],
  write: (repository: string) => void,
  settings: Partial<TritonSettings> = {},
): Promise<LoadedServer> {
  const world = testWorld()
  const repository = mkdtempSync(join(tmpdir(), 'tpg-loaded-'))
  write(repository)
  const server = await startServer(world, await embeddedLauncher(world, settings), { repository })
  const client = connectTriton(server.grpc)
  for (const model of models) await loadModel(world, server, client, model, { timeoutNs: 60 * nsPerSecond })
  const generator = await openLoadGenerator(world)
  return {
    world,
    repository,
    server,
    client,
    generator,
    close: async () => {
      await generator.close()
      client.close()
      await server.stop()
      rmSync(repository, { recursive: true })
    },
  }
}
