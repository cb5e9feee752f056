// Stage 1: a candidate that the main branch's history can clear is measured alone; one that it cannot is measured beside its reference.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config/load-config.ts'
import { type Baseline, baselineSchema, measurementsSchema } from '../../src/domain/measurements.ts'
import { runGate } from '../../src/gate.ts'
import type { GateRequest } from '../../src/gate-request.ts'
import { addOneAfter, embeddedSettings, testWorld, writePythonModel } from '../support/embedded-triton.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-screening-'))
const folder = (name: string) => join(root, name)
afterAll(() => rmSync(root, { recursive: true }))

// Tolerances as wide as the noise of any machine; what is told apart is a factor of three.
const yaml = `
concurrency: 1
gate:
  repetitions: 4
  warmup_seconds: 0.1
  measurement_seconds: 0.3
  tolerance: { perf_latency_p99: 0.8, perf_throughput: 0.5 }
`

async function gate(models: string, change: Partial<GateRequest>, output: string) {
  const config = readConfig(yaml, 'triton-perf-gate.yml', { runConfigSearchMode: 'off' })
  const result = await runGate(testWorld(), {
    config: { ...config, triton: embeddedSettings },
    modelRepository: folder(models),
    mode: 'gate',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory: folder(output),
    resume: null,
    commit: null,
    runId: null,
    ...change,
  })
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder(output), name), 'utf8'))
  return { result, read, measurements: measurementsSchema.parse(read('measurements.json')) }
}

/** The baseline as if a dozen quiet runs had led to it. */
function withHistory(baseline: Baseline): Baseline {
  const earlier = Array.from({ length: 12 }, (_, run) =>
    baseline.history.map((point) => ({
      ...point,
      commit: `c${run}`,
      value: point.value * (1 + (((run * 5) % 7) - 3) / 300),
    })),
  ).flat()
  return { ...baseline, history: [...earlier, ...baseline.history] }
}

let baseline: Baseline
beforeAll(async () => {
  writePythonModel(folder('main'), 'paced', { python: addOneAfter(20) })
  writePythonModel(folder('slower'), 'paced', { python: addOneAfter(60) })
  const { read } = await gate('main', { mode: 'baseline' }, 'baseline')
  baseline = withHistory(baselineSchema.parse(read('baseline.json')))
})

const beside = () =>
  ({
    baseline: { status: 'found', source: 'baseline.json', baseline },
    reference: { kind: 'repository', path: folder('main') },
  }) as const

test('what did not change is cleared without its reference', async () => {
  const { result, measurements } = await gate('main', beside(), 'cleared')
  expect(result.verdict).toMatchObject({ outcome: 'pass' })
  expect(measurements.models.map(({ screening }) => screening)).toEqual(['cleared'])
  expect(measurements.reference?.models).toEqual([])
  expect(result.models[0]?.comparisons.filter(({ primary }) => primary)).toMatchObject([
    { status: 'pass', against: 'baseline', repetitions: 4 },
    { status: 'pass', against: 'baseline', repetitions: 4 },
  ])
})

test('what was cleared is not measured again by a run that goes on, unless its baseline is another', async () => {
  const resume = measurementsSchema.parse(
    JSON.parse(readFileSync(join(folder('cleared'), 'measurements.json'), 'utf8')),
  )
  const starts = ({ measurements: { models } }: Awaited<ReturnType<typeof gate>>) =>
    models.flatMap(({ scenarios }) =>
      scenarios.flatMap((each) => each.repetitions.map(({ startNs }) => startNs)),
    )
  const resumed = await gate('main', { ...beside(), resume }, 'cleared')
  expect(resumed.result.verdict).toMatchObject({ outcome: 'pass' })
  expect(resumed.measurements.models).toEqual(resume.models)
  const noHistory: Baseline = { ...baseline, history: [] }
  const opened = { status: 'found', source: 'baseline.json', baseline: noHistory } as const
  const afresh = await gate('main', { ...beside(), baseline: opened, resume }, 'cleared')
  expect(afresh.measurements.models.map(({ screening }) => screening)).toEqual([undefined])
  expect(starts(afresh)).not.toEqual(starts(resumed))
})

test('what did is measured anew beside its reference, which is what it fails by', async () => {
  const { result, measurements } = await gate('slower', beside(), 'undecided')
  expect(result.verdict).toMatchObject({ outcome: 'fail' })
  expect(measurements.models.map(({ screening }) => screening)).toEqual(['undecided'])
  expect(measurements.reference?.models[0]?.scenarios[0]?.repetitions).toHaveLength(4)
  const [latency] = result.models[0]?.comparisons ?? []
  expect(latency).toMatchObject({ status: 'fail', against: 'reference', repetitions: 4 })
})
