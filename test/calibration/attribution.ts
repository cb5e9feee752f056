// npm run calibrate -- --attribution [RUNS]: gates a model with a planted cause on the embedded Triton, RUNS times, and counts how
// often the attribution names that cause. Each run is added to attribution.json beside this file, so that the count
// grows, and docs/statistics.md tells of all of them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '../../src/stats/random.ts'
import { testWorld } from '../support/embedded-triton.ts'
import { gatePlanted, type PlantedSide } from '../support/planted-causes.ts'
import { type PlantedRun, readRuns, runsFile, withAttribution } from './attribution-section.ts'

const kinds = ['config', 'code', 'both'] as const
const base: PlantedSide = { instances: 2, configMs: 8, note: 'a', codeMs: 12 }

/** The candidate that takes `worse` times as long; each side has a change that does nothing beside it. */
function planted(kind: PlantedRun['planted'], worse: number): PlantedSide {
  const harmless = { note: 'b', initialize: 'print("hello")' }
  const addedMs = (base.configMs + base.codeMs) * (worse - 1)
  switch (kind) {
    case 'config':
      return { ...base, ...harmless, configMs: base.configMs + addedMs }
    case 'code':
      return { ...base, ...harmless, codeMs: base.codeMs + addedMs }
    case 'both':
      return { ...base, configMs: base.configMs + addedMs / 2, codeMs: base.codeMs + addedMs / 2 }
    default:
      return kind satisfies never
  }
}

/** Measures `count` more cases, kinds in turn, effects of 40 to 120 % from a seed that goes on where the file ends. */
export async function calibrateAttribution(root: string, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const runs = readRuns(root)
    const random = createRandom(runs.length + 1)
    const kind = kinds[runs.length % kinds.length] ?? 'config'
    const worse = Number((1.4 + 0.8 * random.uniform()).toFixed(2))
    const start = performance.now()
    const run = await gatePlanted(
      testWorld(),
      { reference: base, candidate: planted(kind, worse) },
      (result): PlantedRun => ({
        date: new Date().toISOString().slice(0, 10),
        planted: kind,
        worse,
        verdict: result.verdict.outcome,
        named: result.models[0]?.attribution?.cause ?? null,
        otherCpuRatio: Math.max(
          ...(result.models[0]?.scenarios.flatMap(({ repetitions }) =>
            repetitions.map(({ host }) => host?.otherCpuRatio ?? 0),
          ) ?? [0]),
        ),
        seconds: Math.round((performance.now() - start) / 1000),
      }),
    )
    writeFileSync(runsFile(root), `${JSON.stringify([...runs, run], null, 2)}\n`)
    console.error(JSON.stringify(run))
  }
  const page = join(root, 'docs/statistics.md')
  writeFileSync(page, withAttribution(readFileSync(page, 'utf8'), readRuns(root)))
}
