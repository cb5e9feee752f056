import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { base, steady } from '../../test/support/compare-model.ts'
import {
  makeBaseline,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { readConfig } from '../config/load-config.ts'
import { judge } from '../judge.ts'
import { renderJson } from '../report/json.ts'
import { makeProgram } from './program.ts'

const config = `
concurrency: 8
profile_models: [m, other]
gate:
  accepted:
    - { model: other, metric: perf_latency_p99, up_to: 10%, reason: larger, until: 2026-12-31 }
`
const side = (name = 'm') => makeModel(name, [makeScenario(steady(8, base))])
const measurements = makeMeasurements([side()])
const baseline = makeBaseline([side(), side('other')])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tpg-compare-'))
  await writeFile(join(folder, 'gate.yml'), config)
  await writeFile(join(folder, 'measurements.json'), JSON.stringify(measurements))
  await writeFile(join(folder, 'baseline.json'), JSON.stringify(baseline))
})
afterAll(() => rm(folder, { recursive: true }))

async function compareAgain(...flags: string[]) {
  const silent = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const at = (name: string) => join(folder, name)
  const files = ['--measurements', at('measurements.json'), '--baseline', at('baseline.json')]
  const all = [...files, '--config', at('gate.yml'), '--output', at('out'), ...flags]
  const exitCode = await makeProgram(new AbortController().signal).run([
    'node',
    'triton-perf-gate',
    'compare',
    ...all,
  ])
  silent.mockRestore()
  return { exitCode, json: await readFile(at('out/result.json'), 'utf8') }
}

test('of a run with --models the verdict comes again with --models, byte for byte', async () => {
  const { createdAt, commit } = baseline
  const path = join(folder, 'baseline.json')
  const result = judge({
    measurements,
    baseline,
    baselineStatus: { status: 'found', source: path, file: path, commit, createdAt },
    config: readConfig(config, join(folder, 'gate.yml'), { models: ['m'] }),
    mode: 'gate',
  })
  expect(await compareAgain('--models', 'm')).toEqual({
    exitCode: result.verdict.exitCode,
    json: renderJson(result),
  })
  expect(result.verdict.outcome).not.toBe('invalid')
  // Without it the model that was left out on purpose is missed.
  const all = await compareAgain()
  expect(all.exitCode).toBe(3)
  expect(all.json).toContain('other was not measured, though the configuration names it.')
})
