// Starts the embedded Triton with a model, prints the pids of its process tree, and waits to be killed.
import { nsPerSecond } from '../../src/domain/world.ts'
import { connectTriton } from '../../src/triton/client.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import { startServer } from '../../src/triton/server.ts'
import { embeddedLauncher, testWorld } from './embedded-triton.ts'

const abort = new AbortController()
process.once('SIGINT', () => abort.abort())
const world = testWorld(abort.signal)
const [repository = ''] = process.argv.slice(2)
const server = await startServer(world, await embeddedLauncher(world), { repository })
const client = connectTriton(server.grpc)
await loadModel(world, server, client, 'add_one', { timeoutNs: 60 * nsPerSecond })
console.log(JSON.stringify(server.pids()))
await server.exited
client.close()
