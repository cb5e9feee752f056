// npm run bench -- gpu: the gate and the sweep on a real GPU, by the committed program as users start it.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadKey } from '../src/domain/load.ts'
import { patchFile, type Result } from '../src/domain/result.ts'
import { placeKey } from '../src/search/state.ts'
import { type GpuCase, judgeGpu, type Swept } from './gpu-judge.ts'
import type { BenchPart } from './part.ts'

const run = promisify(execFile)

const root = join(import.meta.dirname, '..')
const program = join(root, 'dist/cli/index.js')
const model = 'gpu_layers'

/** What a pull request may bring, by the keys of the model's parameters; the layers are most of a request's time. */
const cases = [
  { name: 'none', parameters: {}, outcome: 'pass', metrics: [] },
  {
    name: '512 MiB more held by each instance',
    parameters: { extra_memory_mib: '512' },
    outcome: 'fail',
    metrics: ['gpuMemoryBytes'],
  },
  {
    name: '40 → 52 layers',
    parameters: { layers: '52' },
    outcome: 'fail',
    metrics: ['latencyP99Ns', 'inferPerSec'],
  },
] as const satisfies readonly { parameters: Record<string, string>; [key: string]: unknown }[]

const gate = { triton: 'embedded', time_budget: '300s', attribution: 'off', screening: 'off' }
/** A third instance is beyond the memory that this leaves: what one more takes, and a half. */
const furtherInstances = 1.5
/** Of p99 at concurrency 1: only some of the loads hold it. */
const budgetFactor = 3

export async function benchGpu(): Promise<BenchPart> {
  await run('nvidia-smi', ['-L']).catch(() => {
    throw new Error('no GPU: nvidia-smi -L gave no answer')
  })
  const folder = mkdtempSync(join(tmpdir(), 'tpg-gpu-'))
  try {
    const committed = repository(folder, 'committed')
    const judged: GpuCase[] = []
    for (const { name, parameters, outcome, metrics } of cases) {
      const candidate = repository(folder, name.replaceAll(/\W/g, '-'), withParameters(parameters))
      judged.push({ name, outcome, metrics, result: await judge(folder, candidate, committed, [1, 4]) })
      console.error(`gpu: ${name}: ${judged.at(-1)?.result.verdict.outcome}`)
    }
    const limits = limitsFrom(judged[0]?.result)
    const quick = await sweep(folder, committed, 'quick', limits)
    const brute = await sweep(folder, committed, 'brute', limits)
    return judgeGpu({ cases: judged, limits, quick, brute, winners: await winners(folder, quick, brute) })
  } finally {
    if (process.env.TPG_BENCH_KEEP === undefined) rmSync(folder, { recursive: true })
  }
}

/** A model repository with this model alone. */
function repository(
  folder: string,
  name: string,
  change: (config: string) => string = (config) => config,
): string {
  const path = join(folder, name)
  cpSync(join(import.meta.dirname, 'gpu', model), join(path, model), { recursive: true })
  const file = join(path, model, 'config.pbtxt')
  writeFileSync(file, change(readFileSync(file, 'utf8')))
  return path
}

const withParameters = (parameters: Readonly<Record<string, string>>) => (config: string) =>
  Object.entries(parameters).reduce(
    (text, [key, value]) =>
      text.replace(new RegExp(`(key: "${key}" value: \\{ string_value: ")[^"]*`), `$1${value}`),
    config,
  )

/** One run of the program; its files stay in `out-…` below the folder. */
async function start(
  folder: string,
  command: readonly string[],
  config: Readonly<Record<string, unknown>>,
): Promise<{ readonly output: string; readonly wallNs: number; readonly result: Result }> {
  const output = mkdtempSync(join(folder, 'out-'))
  // JSON is YAML.
  const file = join(output, 'triton-perf-gate.yml')
  writeFileSync(file, JSON.stringify(config))
  const startNs = process.hrtime.bigint()
  const log = await run(process.execPath, [program, ...command, '--config', file, '--output', output], {
    cwd: folder,
    maxBuffer: 2 ** 26,
  }).then(
    ({ stderr }) => stderr,
    // A gate that fails is what some cases are about; what it has to say is in its files.
    (error: { stderr?: string }) => error.stderr ?? '',
  )
  const wallNs = Number(process.hrtime.bigint() - startNs)
  writeFileSync(join(output, 'stderr.txt'), log)
  try {
    return { output, wallNs, result: JSON.parse(readFileSync(join(output, 'result.json'), 'utf8')) as Result }
  } catch {
    throw new Error(`triton-perf-gate ${command.join(' ')} left no result: ${log.slice(-2000)}`)
  }
}

/** The whole gate, both sides in turns. */
async function judge(
  folder: string,
  candidate: string,
  reference: string,
  concurrency: readonly number[],
): Promise<Result> {
  const config = {
    profile_models: { [model]: { parameters: { concurrency } } },
    gate,
  }
  const sides = ['--model-repository', candidate, '--reference-repository', reference, '--search-mode', 'off']
  return (await start(folder, ['run', ...sides], config)).result
}

function limitsFrom(result: Result | undefined): { readonly latencyMs: number; readonly memoryMb: number } {
  const metrics = result?.models[0]?.scenarios.find(({ load }) => loadKey(load) === 'concurrency=1')?.metrics
  const value = (name: 'latencyP99Ns' | 'gpuDeviceMemoryBytes' | 'gpuModelMemoryBytes') =>
    metrics?.[name]?.value ?? Number.NaN
  // With two servers alive the whole device is made up of what it held idle and the server's own.
  const memory = value('gpuDeviceMemoryBytes') + furtherInstances * value('gpuModelMemoryBytes')
  return {
    latencyMs: Math.round((budgetFactor * value('latencyP99Ns')) / 1e5) / 10,
    memoryMb: Math.round(memory / 1e6),
  }
}

async function sweep(
  folder: string,
  modelRepository: string,
  mode: Swept['mode'],
  { latencyMs, memoryMb }: { readonly latencyMs: number; readonly memoryMb: number },
): Promise<Swept> {
  const config = {
    profile_models: [model],
    run_config_search_mode: mode,
    run_config_search_max_instance_count: 3,
    run_config_search_max_model_batch_size: 4,
    run_config_search_max_concurrency: 8,
    constraints: { perf_latency_p99: { max: latencyMs }, gpu_used_memory: { max: memoryMb } },
    gate: {
      ...gate,
      time_budget: '20m',
      repetitions: 2,
      search_max_measurements: mode === 'quick' ? 20 : 72,
    },
  }
  const { output, wallNs, result } = await start(
    folder,
    ['search', '--model-repository', modelRepository],
    config,
  )
  const [found] = result.models
  const summary = found?.search
  if (summary == null || found?.best == null)
    throw new Error(
      `the ${mode} sweep gave no answer: ${found?.error?.message ?? result.verdict.reasons[0]?.message}`,
    )
  console.error(`gpu: ${mode}: ${summary.measurements} measurements in ${Math.round(wallNs / 1e9)} s`)
  const changed = repository(folder, `best-by-${mode}`)
  if (found.best.patch !== null)
    await run('git', ['apply', '--unsafe-paths', `--directory=${changed}`, join(output, patchFile(model))])
  return { mode, wallNs, summary, best: found.best, repository: changed }
}

/** Throughput of quick's answer to brute's, each at its own load, measured again in turns on two servers. */
async function winners(folder: string, quick: Swept, brute: Swept): Promise<number | null> {
  if (placeKey(quick.best) === placeKey(brute.best)) return 1
  const concurrencies = [quick, brute].map(({ best: { load } }) =>
    load.mode === 'concurrency' ? load.concurrency : Number.NaN,
  )
  const result = await judge(folder, quick.repository, brute.repository, [...new Set(concurrencies)])
  const rate = (side: 'candidate' | 'reference', { best }: Swept) =>
    result.models[0]?.comparisons.find(
      ({ metric, load }) => metric === 'inferPerSec' && loadKey(load) === loadKey(best.load),
    )?.[side] ?? null
  const [one, other] = [rate('candidate', quick), rate('reference', brute)]
  return one === null || other === null ? null : one / other
}
