import { afterEach } from 'vitest'
import type { Load } from '../domain/load.ts'
import { type LoadGenerator, openLoadGenerator } from './generator.ts'
import type { LoadTarget } from './protocol.ts'
import {
  type Answer,
  startTestingServer,
  succeed,
  type TestingServer,
  targetOn,
  testingWorld,
} from './testing-server.ts'

// Generators and servers for the tests of the load generator; what a test has opened is closed after it.

export const closeAfterwards: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closeAfterwards.splice(0).reverse()) await close()
})

export async function serve(
  answer: Answer,
  options?: Parameters<typeof startTestingServer>[1],
): Promise<TestingServer> {
  const server = await startTestingServer(answer, options)
  closeAfterwards.push(server.stop)
  return server
}

export async function generate(signal?: AbortSignal): Promise<LoadGenerator> {
  const generator = await openLoadGenerator(testingWorld(signal))
  closeAfterwards.push(generator.close)
  return generator
}

export async function setUp(
  answer: Answer,
  changes: Partial<LoadTarget> = {},
  options?: Parameters<typeof startTestingServer>[1],
): Promise<{ server: TestingServer; generator: LoadGenerator; id: string }> {
  const server = await serve(answer, options)
  const generator = await generate()
  const target = targetOn(server.port, changes)
  await generator.open(target)
  return { server, generator, id: target.id }
}

export const concurrency = (value: number): Load => ({ mode: 'concurrency', concurrency: value })

export const succeedAtOnce: Answer = (stream) => succeed(stream)

/** With a target that may use the threads of so many cores. */
export async function setUpOnCores(answer: Answer, cores: number) {
  const server = await serve(answer)
  const generator = await openLoadGenerator(testingWorld(), cores)
  closeAfterwards.push(generator.close)
  const target = targetOn(server.port)
  await generator.open(target)
  return { server, generator, id: target.id }
}
