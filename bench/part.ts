/** What one part of the benchmarks found. */
export interface BenchPart {
  readonly title: string
  readonly markdown: string
  /** Whether all its targets are met. */
  readonly passed: boolean
}

/** The last words of a part, with each target that is missed. */
export function targetWords(missed: readonly string[]): string {
  return missed.length === 0
    ? 'All targets are met.'
    : `Missed:\n${missed.map((line) => `- ${line}`).join('\n')}`
}
