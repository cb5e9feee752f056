import { expect, test } from 'vitest'
import type { Configuration } from '../domain/configuration.ts'
import type { Load } from '../domain/load.ts'
import { movesFrom } from './concurrent-moves.ts'

const committed: Configuration = {
  committed: true,
  instanceCount: 2,
  maxBatchSize: 0,
  dynamicBatching: false,
}
const onCpu = (instanceCount: number): Configuration => ({
  ...committed,
  committed: false,
  instanceCount,
  fields: { instance_group: [{ kind: 'KIND_CPU' }] },
})

test('where all that is tried is on the CPU, the committed configuration has its neighbours there', () => {
  const load: Load = { mode: 'concurrency', concurrency: 1 }
  const configurations = [committed, ...[1, 2, 3].map(onCpu)]
  const model = {
    name: 'a',
    space: { committed, configurations, loads: [load] },
    objectives: [],
    constraints: [],
    weight: 1,
  }
  const from = (configuration: Configuration) =>
    movesFrom([model], { configurations: [configuration], loads: [load] }).map(
      ({ place }) => place.configurations[0],
    )
  expect(from(committed)).toEqual([onCpu(3), onCpu(1), onCpu(2)])
  // Back to the committed one leads nothing but what it is: its own numbers.
  expect(from(onCpu(2))).toEqual([onCpu(3), onCpu(1), committed])
})
