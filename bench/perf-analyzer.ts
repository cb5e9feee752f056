import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CsvRow, parseCsv } from '../src/perf-analyzer/csv.ts'
import { root } from './server.ts'

/** The program to start; installs it if need be. Throws with the reason where it cannot be had. */
export function findPerfAnalyzer(): string {
  const script = join(root, 'scripts/perf-analyzer.sh')
  return execFileSync('bash', [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
}

export interface PerfAnalyzerProcess {
  readonly pid: number
  /** Rejects with its last words where it did not end well. */
  readonly row: Promise<CsvRow>
}

/** Starts perf_analyzer with these flags and gives the one row of its CSV report. */
export function startPerfAnalyzer(program: string, flags: readonly string[]): PerfAnalyzerProcess {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-bench-'))
  const child = spawn(program, [...flags, '-f', 'report.csv'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const row = new Promise<CsvRow>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => {
      try {
        if (exitCode !== 0) throw new Error(`perf_analyzer ended with ${exitCode}:\n${output.slice(-2000)}`)
        const [only] = parseCsv(readFileSync(join(folder, 'report.csv'), 'utf8'))
        if (only === undefined) throw new Error(`perf_analyzer gave no row:\n${output.slice(-2000)}`)
        resolve(only)
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
  return { pid: child.pid ?? 0, row }
}
