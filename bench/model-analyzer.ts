import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import type { Launcher } from '../src/triton/launcher.ts'
import { freePorts } from '../src/triton/ports.ts'
import { root } from './server.ts'

/** Model Analyzer and the perf_analyzer that it runs. */
export interface ModelAnalyzer {
  readonly program: string
  readonly perfAnalyzer: string
}

/** Installs what is missing. Throws with the reason where it cannot be had. */
export function findModelAnalyzer(): ModelAnalyzer {
  const find = (script: string) =>
    execFileSync('bash', [join(root, 'scripts', script)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim()
  return { program: find('model-analyzer.sh'), perfAnalyzer: find('perf-analyzer.sh') }
}

export interface ModelAnalyzerRun {
  readonly wallNs: number
  /** Rows of its table of results: one for each measurement. */
  readonly measurements: number
}

/** Longer than it ever took on two busy cores; ends what hangs. */
const patienceMs = 20 * 60_000

/**
 * One `model-analyzer profile` with the given keys, from its start to its end, with the server that `launcher` starts.
 * Throws with its last words where it did not end well.
 */
export async function runModelAnalyzer(
  { program, perfAnalyzer }: ModelAnalyzer,
  launcher: Launcher,
  keys: Readonly<Record<string, unknown>>,
): Promise<ModelAnalyzerRun> {
  if (launcher.kind !== 'process') throw new Error('Model Analyzer needs a server that it can start')
  const folder = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  try {
    const ports = await freePorts()
    const http = (await freePorts()).grpc
    const config = join(folder, 'profile.yaml')
    const results = join(folder, 'export')
    mkdirSync(results)
    const own = {
      triton_launch_mode: 'local',
      triton_server_path: serverProgram(launcher, folder),
      triton_http_endpoint: `localhost:${http}`,
      triton_grpc_endpoint: `localhost:${ports.grpc}`,
      triton_metrics_url: `http://localhost:${ports.metrics}/metrics`,
      perf_analyzer_path: perfAnalyzer,
      checkpoint_directory: join(folder, 'checkpoints'),
      output_model_repository_path: join(folder, 'models'),
      override_output_model_repository: true,
      export_path: results,
      // Its tables of results are part of the summary; plots and pages of single configurations are not needed.
      skip_detailed_reports: true,
    }
    writeFileSync(config, stringify({ ...own, ...keys }))
    const startMs = performance.now()
    await promisify(execFile)(program, ['profile', '-f', config], {
      cwd: folder,
      timeout: patienceMs,
      maxBuffer: 2 ** 26,
      env: { ...process.env, PATH: [dirname(program), process.env.PATH].join(delimiter) },
    }).catch((error: unknown) => {
      throw new Error(endOf(error), { cause: error })
    })
    const wallNs = (performance.now() - startMs) * 1e6
    const measurements = rowsOf(join(results, 'results', 'metrics-model-inference.csv'))
    // Its exit code says nothing of that.
    if (measurements === 0) throw new Error('it ended well, and without a single result')
    return { wallNs, measurements }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A program that starts the launcher's server with the flags that Model Analyzer gives it. */
function serverProgram(launcher: Extract<Launcher, { kind: 'process' }>, folder: string): string {
  const { command, args, env } = launcher.serverCommand(folder, { grpc: 0, metrics: 0 })
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`
  const exports = Object.entries(env).map(([name, value]) =>
    value === undefined ? `unset ${name}` : `export ${name}=${quoted(value)}`,
  )
  const backends = args.filter((arg) => arg.startsWith('--backend-directory='))
  const path = join(folder, 'tritonserver')
  const run = `exec ${[command, ...backends].map(quoted).join(' ')} "$@"`
  writeFileSync(path, ['#!/bin/sh', ...exports, run, ''].join('\n'), { mode: 0o755 })
  return path
}

/** How it ended, and its last words: it prints what went wrong on either stream, below its progress. */
function endOf(error: unknown): string {
  const { code, signal, killed, stdout, stderr } = error as {
    code?: number | string
    signal?: string
    killed?: boolean
    stdout?: string
    stderr?: string
  }
  const how =
    killed === true
      ? `ended after ${patienceMs / 60_000} minutes`
      : `ended with ${signal ?? code ?? 'an error'}`
  const last = [stderr, stdout]
    .map((text) => text?.trim().split('\n').at(-1) ?? '')
    .find((line) => line !== '')
  return `it ${how}${last === undefined ? '' : `: ${last.slice(0, 300)}`}`
}

function rowsOf(csv: string): number {
  return existsSync(csv) ? readFileSync(csv, 'utf8').trim().split('\n').length - 1 : 0
}
