import { setTimeout as sleepMs } from 'node:timers/promises'
import { nsPerMs } from '../src/domain/world.ts'
import type { TritonClient } from '../src/triton/client.ts'
import type { Stretch } from './clients/protocol.ts'
import type { BenchClient } from './clients.ts'
import { cpuNsOfTree } from './process-cpu.ts'

/** What one client cost and reached in the steady part of one stretch. */
export interface Observation {
  readonly cpuNs: number
  readonly requests: number
  readonly durationNs: number
  readonly latencyP50Ns: number
  /** Only of clients that keep every latency. */
  readonly accountedRatio: number | null
}

/** After the server's first request of the stretch: connections and first calls are over by then. */
const settleNs = 250 * nsPerMs
/** Kept free before the end of the load, where a client begins to stop. */
const tailNs = 100 * nsPerMs

/**
 * Runs a stretch of load and watches the client from outside, every client in the same way: between two moments of the
 * steady part, the CPU time of its process tree and the requests that the server has counted.
 */
export async function observe(
  client: BenchClient,
  triton: TritonClient,
  stretch: Stretch,
): Promise<Observation> {
  const counted = async () => {
    const [statistics] = await triton.statistics(stretch.model)
    return Number(statistics?.inferenceStats?.success?.count ?? 0n)
  }
  const atRest = await counted()
  const running = client.start(stretch)
  // Its error is told by the await below.
  running.result.catch(() => {})
  const limit = Date.now() + 10_000
  while ((await counted()) === atRest && Date.now() < limit) await sleepMs(5)

  await sleepMs(settleNs / nsPerMs)
  const from = await look(running.pid, counted)
  await sleepMs((stretch.durationNs - settleNs - tailNs) / nsPerMs)
  const to = await look(running.pid, counted)
  const { latencyP50Ns, accountedRatio } = await running.result
  return {
    cpuNs: to.cpuNs - from.cpuNs,
    requests: to.requests - from.requests,
    durationNs: to.atNs - from.atNs,
    latencyP50Ns,
    accountedRatio,
  }
}

async function look(pid: number, counted: () => Promise<number>) {
  const requests = await counted()
  return { cpuNs: cpuNsOfTree(pid), requests, atNs: Number(process.hrtime.bigint()) }
}
