import type { Config } from './config/config.ts'
import type { BaselineStatus } from './domain/result.ts'

/** What a shell (cli/ or action/) asks of the gate. */
export interface GateRequest {
  readonly config: Config
  readonly modelRepository: string
  /** `gate` compares and judges; `baseline` only measures, judges budgets, and writes the next baseline. */
  readonly mode: 'gate' | 'baseline'
  /** A baseline file to read, or what became of the search for one. */
  readonly baseline:
    | { readonly status: 'file'; readonly path: string; readonly source: string }
    | Exclude<BaselineStatus, { status: 'found' | 'incompatible' }>
  readonly reference:
    | { readonly kind: 'git'; readonly ref: string }
    | { readonly kind: 'repository'; readonly path: string }
    | null
  readonly outputDirectory: string
  readonly commit: string | null
  readonly runId: string | null
}
