import type { ConfigOverrides } from './overrides.ts'

/**
 * What stood above the configuration file when something was measured, in the command line's words, one flag with its value
 * each, not quoted: the models that are measured and where the server comes from are said by the result.
 */
export function measuringFlags(overrides: ConfigOverrides): string[] {
  const { timeBudgetNs } = overrides
  return given([
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
    ...given([
      ['--models', overrides.models?.join(',')],
      ['--latency-budget', overrides.latencyBudgetMs],
      ['--min-throughput', overrides.minThroughput],
      ['--on-inconclusive', overrides.onInconclusive],
      ['--on-missing-baseline', overrides.onMissingBaseline],
    ]),
    ...(overrides.release === true ? ['--release'] : []),
  ]
}

/** Flags that have a value, `--flag value`: whoever shows them quotes them. */
export function given(
  flags: readonly (readonly [name: string, value: string | number | null | undefined])[],
): string[] {
  return flags.flatMap(([name, value]) => (value == null ? [] : [`${name} ${value}`]))
}
