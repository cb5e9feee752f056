import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { applyPatch, parsePatch } from 'diff'
import { openBaseline } from '../baseline/find.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import type { ConfigOverrides } from '../config/overrides.ts'
import { GateError } from '../domain/error.ts'
import type { Outcome, Result } from '../domain/result.ts'
import { nsPerSecond, type World } from '../domain/world.ts'
import { runGate } from '../gate.ts'
import type { GateRequest } from '../gate-request.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { type Shell, worldOf } from './shell.ts'

/** Each run of the demo in turn: what it shows, and what the gate must say of it. */
const pullRequests = [
  {
    name: 'harmless',
    title: 'a harmless pull request: comments and names',
    expected: ['pass', 'inconclusive'],
  },
  { name: 'slower', title: 'a pull request that makes the model slower: a queue delay', expected: ['fail'] },
] as const satisfies readonly { name: string; title: string; expected: readonly Outcome[] }[]

/** The whole demo shall end within 4 minutes on 2 cores: the main branch once, two pull requests beside it. */
const mainBudgetNs = 40 * nsPerSecond
const pullRequestBudgetNs = 85 * nsPerSecond

/** The fewest that a comparison takes: the demo shows a clear regression, and has little time. */
const demoRepetitions = 4

/** The demo is about regressions: a budget that the main branch meets even on a machine that is busy otherwise. */
const latencyBudgetMs = 500

/** `demo`: the gate on the examples with a real server; 0 only if it judged as it should. */
export async function demo(shell: Shell, options: { readonly output: string }): Promise<number> {
  const world = worldOf(shell)
  const output = resolve(shell.cwd, options.output)
  const examples = examplesFolder()
  const work = mkdtempSync(join(tmpdir(), 'triton-perf-gate-demo-'))
  try {
    const main = join(work, 'main')
    cpSync(join(examples, 'model_repository'), join(main, 'model_repository'), { recursive: true })
    const file = join(examples, 'triton-perf-gate.yml')
    const mainConfig = await demoConfig(file, { timeBudgetNs: mainBudgetNs, runConfigSearchMode: 'off' })
    const config = await demoConfig(file, { timeBudgetNs: pullRequestBudgetNs })
    const gate = (name: string, request: Judged) =>
      judgeOne(shell, world, join(work, name, 'model_repository'), join(output, name), request)

    heading(shell, 'main branch: measured for the baseline')
    const baseline = await gate('main', {
      config: mainConfig,
      mode: 'baseline',
      baseline: { status: 'notRequested' },
      reference: null,
    })
    const lines = [verdictLine('main branch (baseline)', baseline, ['pass'])]
    for (const { name, title, expected } of pullRequests) {
      heading(shell, title)
      applyPullRequest(main, join(examples, 'pull_requests', `${name}.patch`), join(work, name))
      const result = await gate(name, {
        config,
        mode: 'gate',
        baseline: await openBaseline({
          status: 'file',
          path: join(output, 'main', 'baseline.json'),
          source: 'the main branch of this demo',
        }),
        reference: { kind: 'repository', path: join(main, 'model_repository') },
      })
      lines.push(verdictLine(name, result, expected))
    }
    heading(shell, 'summary')
    shell.out(`${lines.map((line) => line.text).join('\n')}\n\n`)
    for (const name of ['main', ...pullRequests.map((each) => each.name)]) {
      const folder = relative(shell.cwd, join(output, name))
      shell.out(`${name}: ${join(folder, 'report.html')}  ${join(folder, 'result.json')}\n`)
    }
    return lines.every((line) => line.asExpected) ? 0 : 1
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

type Judged = Pick<GateRequest, 'config' | 'mode' | 'baseline' | 'reference'>

async function judgeOne(
  shell: Shell,
  world: World,
  modelRepository: string,
  outputDirectory: string,
  request: Judged,
): Promise<Result> {
  const result = await runGate(world, {
    ...request,
    modelRepository,
    outputDirectory,
    resume: null,
    commit: null,
    runId: null,
  })
  shell.out(`${renderMarkdown(result)}\n`)
  return result
}

/** The examples' own configuration, on the embedded server and within the demo's time. */
async function demoConfig(file: string, overrides: ConfigOverrides): Promise<Config> {
  const config = await loadConfig({
    file,
    overrides: { ...overrides, triton: 'embedded', models: ['text_recognition'], latencyBudgetMs },
  })
  return { ...config, gate: { ...config.gate, repetitions: demoRepetitions, warmupNs: nsPerSecond / 2 } }
}

/** The main branch's repository with the pull request's diff applied, as a checkout of it would be. */
function applyPullRequest(main: string, patchFile: string, target: string): void {
  cpSync(main, target, { recursive: true })
  for (const file of parsePatch(readFileSync(patchFile, 'utf8'))) {
    const name = (file.newFileName ?? '').replace(/^b\//, '')
    const path = join(target, name)
    const changed = applyPatch(readFileSync(path, 'utf8'), file)
    if (changed === false) throw new GateError('internal', `${patchFile} does not apply to ${name}`)
    writeFileSync(path, changed)
  }
}

function verdictLine(
  name: string,
  result: Result,
  expected: readonly Outcome[],
): { text: string; asExpected: boolean } {
  const { outcome } = result.verdict
  const asExpected = expected.includes(outcome)
  const judged = asExpected ? 'as it should be' : `NOT as it should be (expected ${expected.join(' or ')})`
  return { text: `${name}: ${outcome}, ${judged}`, asExpected }
}

function heading(shell: Shell, title: string): void {
  shell.out(`\n${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n\n`)
}

/** examples/ beside dist/ (or src/). Joined, since ncc would take a `new URL` for an asset of its own. */
function examplesFolder(): string {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'examples')
  if (existsSync(folder)) return folder
  throw new GateError('environment', `the examples are not beside this program: ${folder}`, {
    hint: 'Run the demo from a clone of the repository.',
  })
}
