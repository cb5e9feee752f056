import { loadConfig } from '../src/config/load-config.ts'
import type { Load } from '../src/domain/load.ts'
import type { Metrics } from '../src/domain/scenario.ts'
import { readInputs } from '../src/load/read-inputs.ts'
import { measureRunning, type RunningInput } from '../src/profile/measure-running.ts'
import type { BenchServer } from './server.ts'

export interface MeasuredAt {
  /** None where nothing was measured. */
  readonly metrics: Metrics
  readonly warnings: readonly string[]
}

/** What `measure` says of a model of the server as it is loaded now, at one load, with zeros as input. */
export async function measureAt(
  { world, server }: BenchServer,
  model: string,
  load: Load,
  until: RunningInput['until'],
): Promise<MeasuredAt> {
  const { host, port } = server.grpc
  const config = await loadConfig({ file: null, overrides: { tritonUrl: `grpc://${host}:${port}` } })
  const { input, requests, counts } = config.settingsFor(model)
  const { models, warnings } = await measureRunning(world, {
    triton: config.triton,
    model,
    loads: [load],
    until,
    ask: { input: await readInputs({ ...input, data: 'zero' }), requests },
    counts,
    seed: 1,
    maxFailureRatio: config.gate.maxFailureRatio,
    runnerClass: null,
    engine: config,
    save: () => {},
  })
  return { metrics: models[0]?.scenarios[0]?.metrics ?? {}, warnings }
}
