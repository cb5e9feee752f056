// Starts Triton in a container, prints the container's pids, and waits to be killed.
import type { TritonSettings } from '../../src/config/config.ts'
import { resolveTriton } from '../../src/triton/launcher.ts'
import { startServer } from '../../src/triton/server.ts'
import { testWorld } from './embedded-triton.ts'

const [repository = '', settings = ''] = process.argv.slice(2)
const world = testWorld()
const launcher = await resolveTriton(world, JSON.parse(settings) as TritonSettings)
const server = await startServer(world, launcher, { repository })
console.log(JSON.stringify(server.pids()))
await server.exited
