/** What perf_analyzer says of itself on stdout. */
export interface SelfReport {
  /** Share of the time in which its threads did not wait; null where it is not said. */
  readonly overheadRatio: number | null
  /** Share of the requests of a rate that were sent more than 1 ms after they were due; it says so above 1 % only. */
  readonly delayedRatio: number
  /** Its requests succeeded, but their latency never became steady. */
  readonly unstable: boolean
  /** Its other warnings, each as a sentence. */
  readonly warnings: readonly string[]
}

export function readOutput(output: string): SelfReport {
  const overhead = /^\s*Avg client overhead: ([\d.]+)%/m.exec(output)?.[1]
  const delayed = /([\d.]+)% of the requests were delayed/.exec(output)?.[1]
  const warnings = output
    .split('\n')
    .flatMap((line) => /\[?WARNING\]?:?\s+(.*\S)/.exec(line)?.[1] ?? [])
    .filter((text) => !text.includes('requests were delayed'))
  const unstable = /not stabilizing/i.test(output)
  return {
    overheadRatio: overhead === undefined ? null : Number(overhead) / 100,
    delayedRatio: delayed === undefined ? 0 : Number(delayed) / 100,
    unstable,
    warnings: [...new Set(warnings)],
  }
}

/** The last lines that say something, as one clause. */
export function lastWords(stdout: string, stderr: string): string {
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  const words = lines(stderr)
  return (words.length > 0 ? words : lines(stdout)).slice(-3).join(' ').slice(0, 500)
}
