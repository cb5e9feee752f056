import { nsPerSecond } from '../domain/world.ts'
import type { PerfAnalyzerFlags, PerfAnalyzerSettings } from './config.ts'
import { defaultPerfAnalyzer } from './defaults.ts'
import { passedPerfAnalyzerFlags } from './ignored-keys.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigFile, ModelEntry } from './schema.ts'

export function resolvePerfAnalyzer(file: ConfigFile, overrides: ConfigOverrides): PerfAnalyzerSettings {
  const seconds = file.perf_analyzer_timeout
  return {
    path: overrides.perfAnalyzerPath ?? file.perf_analyzer_path ?? defaultPerfAnalyzer.path,
    timeoutNs: seconds === undefined ? defaultPerfAnalyzer.timeoutNs : Math.round(seconds * nsPerSecond),
  }
}

/** What perf_analyzer is told beside load and data: flags for it alone, and those that the gate's own load follows as well. */
export function passedFlags(file: ConfigFile, entry: ModelEntry): PerfAnalyzerFlags {
  const flags = { ...file.perf_analyzer_flags, ...entry.perf_analyzer_flags }
  const range = flags['sequence-id-range']
  const own = ownFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const]))
  return {
    ...flagsForPerfAnalyzer(flags),
    ...Object.fromEntries(own),
    ...(range === undefined
      ? {}
      : { 'sequence-id-range': range.end === null ? range.start : `${range.start}:${range.end}` }),
  }
}

const ownFlags = [
  'streaming',
  'num-of-sequences',
  'sequence-length',
  'sequence-length-variation',
  'start-sequence-id',
  'serial-sequences',
  'shared-memory',
  'output-shared-memory-size',
] as const

function flagsForPerfAnalyzer(flags: NonNullable<ConfigFile['perf_analyzer_flags']>): PerfAnalyzerFlags {
  return Object.fromEntries(
    passedPerfAnalyzerFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
  )
}

/** perf_analyzer divides a fixed number of requests by whole seconds: it measures by time instead. */
export function unusedCountWarnings(file: ConfigFile): string[] {
  const entries: ModelEntry[] = [file, ...Object.values(file.profile_models ?? {})]
  const names = (['request-count', 'warmup-request-count'] as const).filter((name) =>
    entries.some(({ perf_analyzer_flags: flags }) => flags?.[name] !== undefined),
  )
  return names.map((name) => `perf_analyzer_flags.${name}: no effect with gate.engine: perf_analyzer`)
}

export function unusedFlagWarnings(file: ConfigFile): string[] {
  const entries: ModelEntry[] = [file, ...Object.values(file.profile_models ?? {})]
  const names = new Set(
    entries.flatMap(({ perf_analyzer_flags: flags = {} }) => Object.keys(flagsForPerfAnalyzer(flags))),
  )
  return [...names].map(
    (name) => `perf_analyzer_flags.${name}: no effect: it needs gate.engine: perf_analyzer`,
  )
}
