// A regression with a planted cause is explained by that cause, on a real server. Other causes take a minute each: they are in
// `npm run calibrate -- --attribution`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/load-config.ts'
import { measurementsSchema } from '../../src/domain/measurements.ts'
import type { Result } from '../../src/domain/result.ts'
import { judge } from '../../src/judge.ts'
import { renderJson } from '../../src/report/json.ts'
import { processIdentity } from '../../src/system/process-identity.ts'
import { testWorld } from '../support/embedded-triton.ts'
import { gatePlanted, type PlantedSide } from '../support/planted-causes.ts'

// As few as a cause is named by: each is two fresh servers, then four. What is told apart is a factor of two and more.
const repetitions = 4
const base: PlantedSide = { instances: 2, configMs: 8, note: 'a', codeMs: 12 }

function gate(candidate: Partial<PlantedSide>, reference: Partial<PlantedSide> = {}) {
  const sides = { reference: { ...base, ...reference }, candidate: { ...base, ...candidate } }
  const settings = `repetitions: ${repetitions}, warmup_seconds: 0.2, measurement_seconds: 0.6, block_milliseconds: 150`
  const check = (result: Result, folder: string) => {
    const file = join(folder, 'out', 'measurements.json')
    const measurements = measurementsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    const config = readConfig(`concurrency: 2\ngate: { repetitions: ${repetitions} }\n`, 'x.yml', {})
    const again = judge({
      measurements,
      config,
      baseline: null,
      baselineStatus: { status: 'notRequested' },
      mode: 'gate',
    })
    const [before, after] = [result, again].map(({ verdict, models }) => ({
      verdict,
      models: models.map(({ attribution, comparisons }) => ({ attribution, comparisons })),
    }))
    expect(renderJson(after)).toBe(renderJson(before))
    // Python's byte code would be the first thing to be written beside the user's files.
    expect(readdirSync(join(folder, 'reference'), { recursive: true }).toSorted()).toEqual([
      'sleeper',
      'sleeper/1',
      'sleeper/1/model.py',
      'sleeper/config.pbtxt',
    ])
    expect(result.verdict).toMatchObject({ outcome: 'fail' })
    const [model] = result.models
    return { attribution: model?.attribution, reasons: result.verdict.reasons }
  }
  return gatePlanted(testWorld(), sides, check, settings)
}

// One after the other: the starts of one case's servers would be in the windows of another's.
describe('the planted cause', () => {
  test('config.pbtxt, of whose fields one does it, beside code that does nothing', async () => {
    const { attribution, reasons } = await gate({ instances: 1, note: 'b', initialize: 'print("hello")' })
    expect(attribution).toMatchObject({
      cause: 'config',
      changes: {
        fields: [
          { model: 'sleeper', field: 'instance_group[0].count', before: '2', after: '1' },
          { field: 'parameters.note.string_value', before: 'a', after: 'b' },
        ],
        files: [{ path: 'sleeper/1/model.py', change: 'changed' }],
      },
    })
    expect(attribution?.sentences[0]).toMatch(/[Dd]ue to config\.pbtxt \(instance_group\[0\]\.count 2 → 1, /)
    for (const { parts } of attribution?.origin ?? []) {
      const share = (part: string) => parts.find((each) => each.part === part)?.share ?? Number.NaN
      expect(share('config')).toBeGreaterThan(0.7)
      expect(share('config') + share('code')).toBeCloseTo(1, 9)
    }
    expect(attribution?.fields.length).toBeGreaterThan(0)
    for (const { parts } of attribution?.fields ?? []) {
      const share = (field: number) => parts.find((each) => each.field === field)?.share ?? Number.NaN
      expect(share(0)).toBeGreaterThan(0.7)
      expect(share(1)).toBeLessThan(0.3)
    }
    expect(reasons[0]?.cause).toMatch(/^(?:Due to )?config\.pbtxt /)
  })

  test('none that can be told apart, where no mix loads', async () => {
    const { attribution } = await gate(
      { configMs: 40, note: 'b', initialize: 'assert parameters["note"]["string_value"] == "b", "wants b"' },
      { initialize: 'assert parameters["note"]["string_value"] == "a", "wants a"' },
    )
    expect(attribution?.cause).toBe('inseparable')
    expect(attribution?.sentences[0]).toMatch(/cannot be told apart: .*wants a.*; .*wants b/s)
  })
})

test('no folder of a mix is left', () => {
  const left = readdirSync(tmpdir()).filter((name) =>
    name.startsWith(`triton-perf-gate-models.${processIdentity()}.`),
  )
  expect(left.filter((name) => existsSync(join(tmpdir(), name)))).toEqual([])
})
