/** What one part of the benchmarks found. */
export interface BenchPart {
  readonly title: string
  readonly markdown: string
  /** Whether all its targets are met. */
  readonly passed: boolean
}
