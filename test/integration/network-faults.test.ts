// What happens between the load and the server, and to the clock, while a real Triton is measured: what it does to the scenario.
import { spawn } from 'node:child_process'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultRequests } from '../../src/config/defaults.ts'
import type { Load } from '../../src/domain/load.ts'
import type { Measurements } from '../../src/domain/measurements.ts'
import type { Scenario } from '../../src/domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../../src/domain/world.ts'
import type { LoadGenerator } from '../../src/load/generator.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { measureWith } from '../../src/profile/engine.ts'
import { toRepetition } from '../../src/profile/sample.ts'
import { toScenario } from '../../src/profile/scenario.ts'
import { attachModel, openServer } from '../../src/profile/side.ts'
import { createRandom } from '../../src/stats/random.ts'
import { resolveTriton } from '../../src/triton/launcher.ts'
import { addOneAfter, embeddedSettings, writePythonModel } from '../support/embedded-triton.ts'
import { startFaultyProxy } from '../support/faulty-proxy.ts'
import { madeInputs } from '../support/input-data.ts'
import { type LoadedServer, openLoadedServer } from '../support/loaded-server.ts'
import { buildNative } from '../support/native/build.ts'

const model = 'paced'
let loaded: LoadedServer
beforeAll(async () => {
  loaded = await openLoadedServer([model], (repository) =>
    writePythonModel(repository, model, { python: addOneAfter(2) }),
  )
})
afterAll(() => loaded.close())

/** One repetition of the model under a load, on the server as it is seen on `port`. */
async function measure(
  load: Load,
  options: {
    readonly port?: number
    readonly generator?: LoadGenerator
    readonly measurementNs?: number
    readonly maxFailureRatio?: number
  },
): Promise<Scenario> {
  const { world, server } = loaded
  const url = `grpc://127.0.0.1:${options.port ?? server.grpc.port}`
  const launcher = await resolveTriton(world, { ...embeddedSettings, mode: 'remote', url })
  const live = await openServer({ world, launcher, serverLog: () => () => {} }, 'candidate', '')
  const generator = options.generator ?? loaded.generator
  const resolved = await live.client.modelConfig(model)
  const configuration = configurationOf(resolved, true)
  const attached = attachModel({ generator, requestDeadlineNs: nsPerSecond }, live, resolved, configuration, {
    input: madeInputs(),
    requests: defaultRequests,
  })
  const measurementNs = options.measurementNs ?? nsPerSecond
  const settings = {
    warmupNs: 200 * nsPerMs,
    maxWarmupNs: 200 * nsPerMs,
    measurementNs,
    maxMeasurementNs: measurementNs,
    blockNs: measurementNs / 4,
  }
  try {
    const [sample] = await measureWith(
      { world, engine: { kind: 'builtin', generator }, random: createRandom(1), gpu: null },
      [attached],
      load,
      settings,
    )
    if (sample === undefined) throw new Error('no sample')
    const repetition = toRepetition(sample, load, 0, null, options.maxFailureRatio ?? 0.001)
    return toScenario({ role: 'gate', configuration, load, measured: [{ sample, repetition }] })
  } finally {
    await attached.detach()
    await live.close()
  }
}

const closed = (concurrency: number): Load => ({ mode: 'concurrency', concurrency })

/** How a proxy treats an inference badly. */
const faults = {
  reset: (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  goaway: ({ session }: ServerHttp2Stream) => {
    session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session?.destroy()
  },
  silence: () => undefined,
}

/** By how often, and how it is counted. A GOAWAY takes along what else is out on its connection. */
test.each([
  ['reset', 50, 'reset'],
  ['goaway', 50, 'connection'],
  // Each is waited for, to its deadline of a second.
  ['silence', 150, 'deadline'],
] as const)(
  '%s, of every %i-th request, fails the scenario above the limit as %s',
  async (fault, every, status) => {
    const proxy = await startFaultyProxy(loaded.server.grpc, (stream, inference) => {
      if (inference % every !== every - 1) return false
      faults[fault](stream)
      return true
    })
    try {
      const failed = await measure(closed(4), { port: proxy.port })
      expect(failed).toMatchObject({ status: 'failed', metrics: {} })
      expect(failed.error).toMatch(
        new RegExp(`^concurrency 4: failed_requests: \\d+ of \\d+ \\(${status} × \\d+\\): ${status}`),
      )
      const [repetition] = failed.repetitions
      expect(Object.keys(repetition?.failures ?? {})).toEqual([status])
      expect(repetition?.requests).toBeGreaterThan(10)
      expect(proxy.inferences()).toBeGreaterThan(every)

      const allowed = await measure(closed(4), { port: proxy.port, maxFailureRatio: 0.2 })
      expect(allowed.status).toBe('measured')
      expect(allowed.warnings.join()).toContain(`failed requests (${status} × `)
    } finally {
      await proxy.stop()
    }
  },
)

const pauseMs = 300
const stoppedBlock = 1

/** Stops the server's processes for a while, once, in the measured window of `stoppedBlock`. Gives how long that was. */
function stoppingOnce(generator: LoadGenerator): { generator: LoadGenerator; stoppedMs: () => number } {
  let windows = 0
  let stoppedMs = Number.NaN
  const stop = async (afterMs: number) => {
    await sleep(afterMs)
    const pids = loaded.server.pids()
    const from = performance.now()
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await sleep(pauseMs)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    stoppedMs = performance.now() - from
  }
  return {
    generator: {
      ...generator,
      run: async (id, load, options) => {
        // Warm-up has no lead-in.
        if (options.leadInNs === 0 || windows++ !== stoppedBlock) return generator.run(id, load, options)
        const [window] = await Promise.all([
          generator.run(id, load, options),
          stop(options.leadInNs / nsPerMs + 50),
        ])
        return window
      },
    },
    stoppedMs: () => stoppedMs,
  }
}

type Block = Scenario['repetitions'][number]['blocks'][number]

/**
 * The blocks that show a stop, of a repetition in which one was stopped, and of up to two more if it is not that one alone. Of
 * each block the value counts that shows least: a machine that itself stands still is in a block of one repetition, and what
 * a stop would do to blocks that it is not in, in all.
 */
async function blocksThatShow(
  repeat: () => Promise<Scenario>,
  badnessOf: (block: Block) => number,
): Promise<number[]> {
  let least: number[] = []
  const showing = () => [...least.keys()].filter((index) => (least[index] ?? 0) > 0.8 * Math.max(...least))
  for (let repetition = 0; repetition < 3 && showing().join() !== `${stoppedBlock}`; repetition++) {
    const badness = ((await repeat()).repetitions[0]?.blocks ?? []).map(badnessOf)
    least = badness.map((each, index) => Math.min(each, least[index] ?? each))
  }
  return showing()
}

test('a server stopped for 300 ms is in the p99 of an open loop, in full, and in one block alone', async () => {
  const load: Load = { mode: 'requestRate', requestRate: 150 }
  const stopped = async () => {
    const stopping = stoppingOnce(loaded.generator)
    const scenario = await measure(load, { ...stopping, measurementNs: 3 * nsPerSecond })
    expect(scenario.status).toBe('measured')
    const { latencyP99Ns, latencyP50Ns, latencyMaxNs } = scenario.metrics
    // 45 of 450 requests were due meanwhile: the slowest 1 % of all, all within its first 30 ms.
    expect((latencyP99Ns?.value ?? 0) / nsPerMs).toBeGreaterThan(0.8 * stopping.stoppedMs())
    expect((latencyMaxNs?.value ?? 0) / nsPerMs).toBeGreaterThan(0.95 * stopping.stoppedMs())
    expect(latencyP50Ns?.value).toBeLessThan(0.5 * (latencyP99Ns?.value ?? 0))
    return scenario
  }
  expect(await blocksThatShow(stopped, ({ latencyP99Ns }) => latencyP99Ns ?? 0)).toEqual([stoppedBlock])
})

test('in a closed loop the same stop is one request of all: the maximum shows it, and that of no other block', async () => {
  const stopped = async () => {
    const stopping = stoppingOnce(loaded.generator)
    const scenario = await measure(closed(1), { ...stopping, measurementNs: 2 * nsPerSecond })
    expect((scenario.metrics.latencyMaxNs?.value ?? 0) / nsPerMs).toBeGreaterThan(0.95 * stopping.stoppedMs())
    return scenario
  }
  expect(await blocksThatShow(stopped, ({ inferPerSec }) => 1 / inferPerSec)).toEqual([stoppedBlock])
})

test('a wall clock that steps an hour back and a day forward, again and again, changes no number', async (ctx) => {
  const library = buildNative('clock-steps.c', join(loaded.repository, 'clock-steps.so'))
  if (library === null) return ctx.skip('clock-steps.c cannot be built')
  const script = new URL('../support/measuring.ts', import.meta.url).pathname
  const args = [script, `grpc://127.0.0.1:${loaded.server.grpc.port}`, model]
  const env = { ...process.env, LD_PRELOAD: library }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const fromMs = performance.now()
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await new Promise((resolve) => child.on('close', resolve))
  const took = performance.now() - fromMs
  const { measurements, steps } = JSON.parse(text) as { measurements: Measurements; steps: number }
  expect(steps).toBeGreaterThan(5)
  expect(measurements.wallNs / nsPerMs).toBeLessThan(took)
  const scenarios = measurements.models[0]?.scenarios ?? []
  expect(scenarios.map(({ status }) => status)).toEqual(['measured', 'measured'])
  for (const { metrics, repetitions, warnings } of scenarios) {
    const [repetition] = repetitions
    const seconds = (repetition?.durationNs ?? 0) / nsPerSecond
    expect(seconds).toBeGreaterThan(1.9)
    expect(seconds).toBeLessThan(took / 1000)
    expect(metrics.latencyMaxNs?.value).toBeLessThan(took * nsPerMs)
    expect(metrics.latencyP50Ns?.value).toBeGreaterThan(2 * nsPerMs)
    const counted = (metrics.inferPerSec?.value ?? 0) * seconds
    expect(counted).toBeGreaterThan(0.9 * (repetition?.requests ?? 0))
    expect(counted).toBeLessThan(1.1 * (repetition?.requests ?? 0) + 2)
    expect(warnings.filter((each) => /clock|counter/.test(each))).toEqual([])
  }
})
