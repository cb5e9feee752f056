import type { ConfigOverrides } from './overrides.ts'

/**
 * What stood above the configuration file when something was measured, in the command line's words, one flag with its value
 * each: the models that are measured and where the server comes from are said by the result. These go into reports: a value that
 * a shell would not take as it is, is left out.
 */
export function measuringFlags(overrides: ConfigOverrides): string[] {
  const { timeBudgetNs } = overrides
  return plain([
    ['--engine', overrides.engine],
    ['--perf-analyzer-path', overrides.perfAnalyzerPath],
    ['--triton-url', overrides.tritonUrl],
    ['--triton-image', overrides.tritonImage],
    ['--time-budget', timeBudgetNs === undefined ? undefined : `${timeBudgetNs / 1e9}s`],
    ['--mode', overrides.mode],
    ['--search-mode', overrides.runConfigSearchMode],
  ])
}

/** The same for what is judged by, the models among it where they were chosen: flags that `run` and `compare` share. */
export function judgingFlags(overrides: ConfigOverrides): string[] {
  return [
    ...plain([
      ['--models', overrides.models?.join(',')],
      ['--latency-budget', overrides.latencyBudgetMs],
      ['--min-throughput', overrides.minThroughput],
      ['--on-inconclusive', overrides.onInconclusive],
      ['--on-missing-baseline', overrides.onMissingBaseline],
    ]),
    ...(overrides.release === true ? ['--release'] : []),
  ]
}

/** Flags with a value that is one plain word. */
export function plain(
  flags: readonly (readonly [name: string, value: string | number | null | undefined])[],
): string[] {
  return flags.flatMap(([name, value]) =>
    value != null && isPlainWord(String(value)) ? [`${name} ${value}`] : [],
  )
}

/** Whether a shell takes it as it is, and no program as a flag. */
export function isPlainWord(text: string): boolean {
  return /^[\w./:@%+=,][\w./:@%+=,-]*$/.test(text)
}
