// The product's load generator as a process of its own, asked over IPC for one stretch after the other.
import { nsPerSecond } from '../../src/domain/world.ts'
import { connectionsFor, openLoadGenerator } from '../../src/load/generator.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { createNodeWorld } from '../../src/system/node-world.ts'
import type { Stretch, StretchResult } from './protocol.ts'

const world = createNodeWorld({
  progress: () => {},
  loadWorker: new URL('../../src/load/worker.ts', import.meta.url),
  signal: new AbortController().signal,
})
const generator = await openLoadGenerator(world)
const opened = new Set<string>()

process.on('message', (stretch: Stretch) => void run(stretch))
process.on('disconnect', () => process.exit())
process.send?.('ready')

async function run({ target, model, concurrency, durationNs }: Stretch): Promise<void> {
  const load = { mode: 'concurrency', concurrency } as const
  const id = `${model} ${concurrency}`
  if (!opened.has(id)) {
    await generator.open({
      ...target,
      id,
      tls: false,
      connections: connectionsFor(load),
      deadlineNs: 10 * nsPerSecond,
    })
    opened.add(id)
  }
  const window = await generator.run(id, load, { leadInNs: 0, durationNs })
  const result: StretchResult = {
    requests: window.latenciesNs.length,
    failed: Object.values(window.failures).reduce((sum, count) => sum + count, 0),
    latencyP50Ns: quantile(window.latenciesNs, 0.5) ?? Number.NaN,
    latencyP99Ns: quantile(window.latenciesNs, 0.99) ?? Number.NaN,
    // The requests that are under way at its end run on: part of their latency lies behind it.
    accountedRatio:
      window.latenciesNs.reduce((sum, each) => sum + each, 0) / (concurrency * window.durationNs),
  }
  process.send?.(result)
}
