// npm run bench -- decide: how long the judgement of a large repository takes, and how much memory.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Load } from '../src/domain/load.ts'
import type { HistoryPoint } from '../src/domain/measurements.ts'
import type { ModelMeasurement } from '../src/domain/scenario.ts'
import { createRandom, type Random } from '../src/stats/random.ts'
import { median } from '../src/stats/robust.ts'
import {
  makeBaseline,
  makeMeasurements,
  makeModel,
  makeRepetition,
  makeScenario,
} from '../test/support/make-measurements.ts'
import type { BenchPart } from './part.ts'

const models = 500
const commits = 100
const repetitions = 14
/** p99 and throughput at two loads: four series for each model. */
const loads: readonly Load[] = [1, 8].map((concurrency) => ({ mode: 'concurrency', concurrency }))
const [maxSeconds, maxBytes] = [5, 512 * 2 ** 20]

interface Judged {
  readonly outcome: string
  readonly against: 'baseline' | 'reference' | null
  readonly comparisons: number
  readonly history: number
  readonly readSeconds: number
  readonly judgeSeconds: number
  /** With the program loaded from its source, before it has read anything. */
  readonly programBytes: number
  readonly maxRssBytes: number
}

export async function benchDecide(rounds: number): Promise<BenchPart> {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  try {
    const random = createRandom(1)
    const file = (name: string, content: unknown) => {
      const path = join(folder, `${name}.json`)
      writeFileSync(path, JSON.stringify(content))
      return path
    }
    const [stored, candidate, reference] = [side(random), side(random), side(random)]
    const history = historyOf(random)
    const baseline = file('baseline', makeBaseline(stored, { history }))
    const cases = [
      file('measurements', makeMeasurements(candidate)),
      file('measurements-both', makeMeasurements(candidate, reference)),
    ]
    const found = cases.map((measurements) =>
      Array.from({ length: rounds }, () => judgeIn({ measurements, baseline })),
    )
    for (const [first] of found) {
      if (first?.history !== models * commits * 2 * loads.length) throw new Error('the history was not read')
      if (first.comparisons !== models * 2 * loads.length) throw new Error('not everything was compared')
    }
    const summary = found.map((of) => ({
      against: of[0]?.against ?? '',
      read: median(of.map(({ readSeconds }) => readSeconds)),
      judge: median(of.map(({ judgeSeconds }) => judgeSeconds)),
      bytes: Math.max(...of.map(({ maxRssBytes }) => maxRssBytes)),
      program: median(of.map(({ programBytes }) => programBytes)),
    }))
    const rows = summary.map(
      ({ against, read, judge, bytes, program }) =>
        `| ${against} | ${read.toFixed(1)} s | ${judge.toFixed(2)} s${judge <= maxSeconds ? '' : ' ✗'} | ${Math.round(bytes / 2 ** 20)} MiB${bytes <= maxBytes ? '' : ' ✗'} | ${Math.round(program / 2 ** 20)} MiB |`,
    )
    const passed = summary.every(({ judge, bytes }) => judge <= maxSeconds && bytes <= maxBytes)
    const markdown = `${models} models with ${2 * loads.length} metrics each and ${commits} commits of history; ${repetitions} repetitions. Medians of ${rounds} processes, the
largest memory of them.

| compared with | reading the files | compare and decide (≤ ${maxSeconds} s) | resident memory (≤ 512 MiB) | of which the program |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

${passed ? 'All targets are met.' : 'Targets are missed (✗).'}`
    return { title: 'Compare and decide', markdown, passed }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** In a process of its own, so that its memory is its own. */
function judgeIn({ measurements, baseline }: Record<'measurements' | 'baseline', string>): Judged {
  const program = join(import.meta.dirname, 'clients/decide.ts')
  return JSON.parse(execFileSync(process.execPath, [program, measurements, baseline], { encoding: 'utf8' }))
}

function side(random: Random): ModelMeasurement[] {
  return names().map((name) =>
    makeModel(
      name,
      loads.map((load) =>
        makeScenario(
          Array.from({ length: repetitions }, (_, index) =>
            makeRepetition(index, {
              latencyP99Ns: 40e6 * Math.exp(0.03 * random.normal()),
              inferPerSec: 300 * Math.exp(0.03 * random.normal()),
            }),
          ),
          { load },
        ),
      ),
    ),
  )
}

function historyOf(random: Random): HistoryPoint[] {
  return Array.from({ length: commits }, (_, commit) =>
    names().flatMap((model) =>
      loads.flatMap((load) =>
        (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
          commit: `c0ffee${commit}`,
          createdAt: new Date(Date.UTC(2026, 0, 1, commit)).toISOString(),
          model,
          load: `concurrency=${load.mode === 'concurrency' ? load.concurrency : 0}`,
          metric,
          value: (metric === 'inferPerSec' ? 300 : 40e6) * Math.exp(0.05 * random.normal()),
          spread: 0.03,
        })),
      ),
    ),
  ).flat()
}

function names(): string[] {
  return Array.from({ length: models }, (_, index) => `model_${index}`)
}
