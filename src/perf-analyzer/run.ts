import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PerfAnalyzerSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { type Load, levelOf, loadLabel } from '../domain/load.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'
import { files, perfAnalyzerArguments } from './arguments.ts'
import { type CsvRow, parseCsv } from './csv.ts'
import type { Level } from './level.ts'
import { lastWords, readOutput, type SelfReport } from './output.ts'
import { type ProfileExport, readProfileExport } from './profile-export.ts'

/** What became of one load level. `reason` is in perf_analyzer's own words where it spoke. */
export type LevelOutcome =
  | {
      readonly status: 'measured'
      readonly profile: ProfileExport
      readonly row: CsvRow
      readonly self: SelfReport
    }
  /** The machine or the model varied too much for perf_analyzer: nothing was measured. */
  | { readonly status: 'unstable'; readonly reason: string }
  /** It took longer than the timeout. */
  | { readonly status: 'timedOut'; readonly reason: string }
  /** A request failed, at which perf_analyzer gives up. */
  | { readonly status: 'requestFailed'; readonly reason: string }
  /** No request ended within its windows. */
  | { readonly status: 'silent'; readonly reason: string }

/** perf_analyzer's exit codes (constants.h). */
const exitCodes = { unstable: 2, noRequests: 3 } as const

/**
 * Runs perf_analyzer for one load level, in a folder of its own. A run is measured only if it ended with 0, wrote the
 * row that was asked for, and did not warn that it was unstable: it also ends with 0 where none of this holds.
 *
 * @throws GateError `environment` where it could not do its work at all; `interrupted` on a signal
 */
export async function runLevel(
  world: World,
  settings: PerfAnalyzerSettings,
  level: Level,
): Promise<LevelOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'triton-perf-gate-perf_analyzer-'))
  try {
    writeFileSync(join(folder, files.inputData), level.inputData)
    const output = await world.run(settings.path, perfAnalyzerArguments(level), {
      cwd: folder,
      timeoutNs: settings.timeoutNs,
    })
    if (world.signal.aborted) throw new GateError('interrupted', 'interrupted while perf_analyzer ran')
    return judge(settings, level, folder, output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function judge(
  settings: PerfAnalyzerSettings,
  level: Level,
  folder: string,
  output: RunOutput,
): LevelOutcome {
  const words = lastWords(output.stdout, output.stderr)
  if (output.timedOut) {
    const limit = `${settings.timeoutNs / nsPerSecond} s (perf_analyzer_timeout)`
    return { status: 'timedOut', reason: `it was ended after ${limit}${words === '' ? '' : `: ${words}`}` }
  }
  const everything = `${output.stdout}\n${output.stderr}`
  switch (output.exitCode) {
    case 0:
      break
    case exitCodes.unstable:
      return { status: 'unstable', reason: words }
    case exitCodes.noRequests:
      return { status: 'silent', reason: words }
    default:
      if (/Thread \[\d+\] had error|Failed to maintain requested inference load/.test(everything)) {
        return { status: 'requestFailed', reason: words }
      }
      throw cannotRun(settings.path, output)
  }
  const self = readOutput(everything)
  if (self.unstable) {
    return { status: 'unstable', reason: self.warnings.find((text) => /stabilizing/i.test(text)) ?? words }
  }
  const row = rowOf(level.load, join(folder, files.report))
  if (row === null) {
    return {
      status: 'unstable',
      reason: `it ended well, but without the row of ${loadLabel(level.load)}: ${words}`,
    }
  }
  return { status: 'measured', row, self, profile: readProfileExport(join(folder, files.profileExport)) }
}

function rowOf(load: Load, report: string): CsvRow | null {
  if (!existsSync(report)) return null
  const wanted = levelOf(load)
  // Six significant digits are all that the file has of a number.
  const found = parseCsv(readFileSync(report, 'utf8')).filter(
    ({ level }) => Math.abs(level - wanted) <= 1e-5 * wanted,
  )
  return found[0] ?? null
}

/** Says at once, before anything is measured, where there is no perf_analyzer that runs. Returns its version as it says it: its wheel calls itself `0.0.0 (commit 3a49a23)`. */
export async function perfAnalyzerVersion(world: World, settings: PerfAnalyzerSettings): Promise<string> {
  const output = await world.run(settings.path, ['--version'], { timeoutNs: 30 * nsPerSecond })
  // It prints its version on stderr.
  const version = /version (\S.*)/i.exec(`${output.stdout}\n${output.stderr}`)?.[1]?.trim()
  if (output.exitCode === 0 && version !== undefined) return version
  throw cannotRun(settings.path, output)
}

function cannotRun(path: string, output: RunOutput): GateError {
  const words = lastWords(output.stdout, output.stderr)
  if (output.exitCode === 127 && !/GLIBC|shared librar/.test(words)) {
    return new GateError('environment', `perf_analyzer was not found: ${path}`, {
      hint: 'Install it (pip install perf_analyzer==2.60.0, or run in an image of Triton’s SDK) and name it by perf_analyzer_path, or leave out `engine`.',
    })
  }
  if (/version `GLIBCX?X?_[\d.]+' not found|error while loading shared libraries/.test(words)) {
    return new GateError('environment', `perf_analyzer does not start on this system: ${words}`, {
      hint: 'The wheel of perf_analyzer 2.60.0 needs glibc 2.38 or newer: use a newer system or image.',
    })
  }
  const how = output.exitCode === null ? 'was ended by a signal' : `ended with ${output.exitCode}`
  return new GateError('environment', `perf_analyzer ${how}${words === '' ? '' : `: ${words}`}`, {
    hint: 'See perf_analyzer_flags in the configuration, and the server’s log.',
  })
}
