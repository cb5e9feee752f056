// Measures a running server from a process of its own and prints the measurements: for what must not happen to the tests'.
import { loadConfig } from '../../src/config/load-config.ts'
import { nsPerSecond } from '../../src/domain/world.ts'
import { readInputs } from '../../src/load/read-inputs.ts'
import { measureRunning } from '../../src/profile/measure-running.ts'
import { testWorld } from './embedded-triton.ts'

/** Times at which the wall clock was found to have stepped. */
let steps = 0
let offset = Date.now() - performance.now()
const watch = setInterval(() => {
  const now = Date.now() - performance.now()
  if (Math.abs(now - offset) > 1_000_000) steps++
  offset = now
}, 50)

const [url = '', model = ''] = process.argv.slice(2)
const config = await loadConfig({ file: null, overrides: { tritonUrl: url, triton: 'remote' } })
const { input, requests, counts } = config.settingsFor(model)
const measurements = await measureRunning(testWorld(), {
  triton: config.triton,
  model,
  loads: [
    { mode: 'concurrency', concurrency: 1 },
    { mode: 'requestRate', requestRate: 100 },
  ],
  until: { kind: 'duration', durationNs: 2 * nsPerSecond },
  ask: { input: await readInputs(input), requests },
  counts,
  seed: 1,
  maxFailureRatio: 0.001,
  runnerClass: null,
  engine: config,
  save: () => {},
})
clearInterval(watch)
process.stdout.write(JSON.stringify({ measurements, steps }))
