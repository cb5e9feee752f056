import type { OpenedBaseline } from './baseline/find.ts'
import type { Config } from './config/config.ts'
import type { Measurements } from './domain/measurements.ts'

/** What a shell (cli/ or action/) asks of the gate. */
export interface GateRequest {
  readonly config: Config
  readonly modelRepository: string
  /** `gate` compares and judges; `baseline` only measures, judges budgets, and writes the next baseline. */
  readonly mode: 'gate' | 'baseline'
  /** As read, or what became of the search for one. */
  readonly baseline: OpenedBaseline
  /** The main branch's newest, where the baseline to compare with is an older one: the trend since then. */
  readonly recent?: OpenedBaseline
  readonly reference:
    | { readonly kind: 'git'; readonly ref: string }
    | { readonly kind: 'repository'; readonly path: string }
    | null
  /** Of the command line; `run` where it is left out. */
  readonly command?: 'run' | 'search'
  readonly outputDirectory: string
  /** What an earlier run left in the output folder, to be gone on with; null = start afresh. */
  readonly resume: Measurements | null
  readonly commit: string | null
  readonly runId: string | null
}
