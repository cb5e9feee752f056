import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Comparison, Outcome, Result } from '../../src/domain/result.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { geometricMean } from '../../src/stats/robust.ts'
import { studentTQuantile } from '../../src/stats/special.ts'
import { describeHost } from '../../src/system/environment.ts'
import { testWorld } from '../support/embedded-triton.ts'
import { copyExamples } from '../support/examples.ts'

/** What the whole gate said of an example model that it measured on the embedded Triton, one line of real.jsonl. */
export interface RealDecision {
  readonly date: string
  readonly machine: string
  readonly model: string
  /** Added to every execution of the candidate's model, in ns; 0 = both sides are the same. */
  readonly delayNs: number
  /** By what share of an execution's time that is longer; left out by the first ones, whose delay was 20 % of the p99. */
  readonly plannedShare?: number
  /** A busy loop at low priority ran beside it. */
  readonly background: boolean
  readonly outcome: Outcome
  readonly wallNs: number
  readonly comparisons: readonly RealComparison[]
}

interface RealComparison extends Pick<Comparison, 'metric' | 'status' | 'repetitions'> {
  readonly referenceValue: number
  readonly changeRatio: number
  /** Standard deviation of a pair's log ratio, as the comparison takes it. */
  readonly sd: number
}

/** By name: how many instances its example configuration starts. */
const models = { add_sub: 1, text_recognition: 2 } as const
type Model = keyof typeof models
const names = Object.keys(models) as Model[]

/** Enough to keep both cores busy, and few enough that a request hardly waits for others. */
const concurrency = 2
/** An unchanged model is judged after 4 repetitions or after 6: many short decisions say more than few long ones. */
const unchanged = { repetitions: 6, time_budget: '60s' }
/** Changed ones have what a user has in 3 minutes, at the defaults; the first and the last server take some of it. */
const changed = { repetitions: 14, time_budget: '170s' }
/** Every execution takes so much longer than the reference's: latency and time per inference grow by the same. */
const plantedShare = 0.2

const file = join(import.meta.dirname, 'real.jsonl')

export function realDecisions(): RealDecision[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as RealDecision)
}

/** Runs the gate so many times on the same model twice and on a slower one, and appends what it says to real.jsonl. */
export async function decideForReal(counts: { readonly unchanged: number; readonly slower: number }) {
  const abort = new AbortController()
  process.once('SIGINT', () => abort.abort())
  const world = testWorld(abort.signal)
  const done: RealDecision[] = []
  const run = async (model: Model, delayNs: number, background: boolean) => {
    const decision = await decide(world, model, delayNs, background)
    done.push(decision)
    appendFileSync(file, `${JSON.stringify(decision)}\n`)
    console.error(`${decision.date} ${model} ${delayNs === 0 ? 'unchanged' : 'slower'}: ${decision.outcome}`)
  }
  for (let index = 0; index < counts.unchanged; index++) {
    await run(names[index % 2] as Model, 0, index % 4 >= 2)
  }
  for (let index = 0; index < counts.slower; index++) {
    const model = names[index % 2] as Model
    if (!done.some((decision) => decision.model === model)) await run(model, 0, false)
    const rates = done
      .filter((decision) => decision.model === model)
      .flatMap(({ comparisons }) => comparisons)
      .flatMap(({ metric, referenceValue }) => (metric === 'inferPerSec' ? [referenceValue] : []))
    const executionNs = (1e9 * Math.min(concurrency, models[model])) / geometricMean(rates.slice(-3))
    await run(model, Math.round(plantedShare * executionNs), false)
  }
}

async function decide(
  world: World,
  model: Model,
  delayNs: number,
  background: boolean,
): Promise<RealDecision> {
  const [reference, candidate] = [copyExamples(), copyExamples()]
  const work = mkdtempSync(join(tmpdir(), 'tpg-calibrate-'))
  const load = background ? startBusyLoop() : null
  try {
    if (delayNs > 0) slowDown(join(candidate.modelRepository, model, '1/model.py'), delayNs)
    const { repetitions, time_budget } = delayNs > 0 ? changed : unchanged
    const configFile = join(work, 'triton-perf-gate.yml')
    const gate = { triton: 'embedded', repetitions, time_budget }
    const parameters = { concurrency: [concurrency] }
    const settings = {
      profile_models: { [model]: { parameters } },
      gate,
    }
    // JSON is YAML.
    writeFileSync(configFile, JSON.stringify(settings))
    const startNs = world.nowNs()
    const result = await runGate(world, {
      config: await loadConfig({ file: configFile, overrides: { runConfigSearchMode: 'off' } }),
      modelRepository: candidate.modelRepository,
      mode: 'gate',
      baseline: { status: 'notRequested' },
      reference: { kind: 'repository', path: reference.modelRepository },
      outputDirectory: join(work, 'output'),
      commit: null,
      runId: null,
      resume: null,
    })
    const { cpuModel, cpuCount } = describeHost(null)
    return {
      date: world.date(),
      machine: `${cpuModel}, ${cpuCount} cores`,
      model,
      delayNs,
      ...(delayNs > 0 ? { plannedShare: plantedShare } : {}),
      background,
      outcome: result.verdict.outcome,
      wallNs: world.nowNs() - startNs,
      comparisons: comparisonsOf(result),
    }
  } finally {
    load?.kill()
    reference.remove()
    candidate.remove()
    rmSync(work, { recursive: true, force: true })
  }
}

function comparisonsOf(result: Result): RealComparison[] {
  return result.models.flatMap(({ comparisons }) =>
    comparisons.flatMap(
      ({ metric, status, primary, repetitions, reference, changeRatio, changeInterval }) => {
        if (!primary || reference === null || changeRatio === null || changeInterval === null) return []
        const width = Math.log(changeInterval[1] / changeInterval[0])
        const standardError = width / 2 / studentTQuantile(0.975, repetitions - 1)
        const sd = standardError * Math.sqrt(repetitions)
        return [{ metric, status, repetitions, referenceValue: reference, changeRatio, sd }]
      },
    ),
  )
}

/** Every execution computes for so much longer, whatever it holds. */
function slowDown(file: string, delayNs: number): void {
  const source = readFileSync(file, 'utf8')
  const slower = source.replace(
    /^( *)def execute\(self, requests\):\n/m,
    (line, indent: string) =>
      `${line}${indent}    import time\n${indent}    end = time.perf_counter_ns() + ${delayNs}\n${indent}    while time.perf_counter_ns() < end:\n${indent}        pass\n`,
  )
  if (slower === source) throw new Error(`no execute to slow down in ${file}`)
  writeFileSync(file, slower)
}

/** Ends by itself in any case: nothing must stay behind where this program is killed. */
function startBusyLoop() {
  const loop = 'const end = Date.now() + 300_000; while (Date.now() < end);'
  return spawn('nice', ['-n', '10', process.execPath, '-e', loop], { stdio: 'ignore' })
}
