import type { BaselineSearch } from '../../../src/action/find-baseline.ts'
import type { RunStore } from '../../../src/action/run-store.ts'
import type { CompareOptions } from '../../../src/cli/compare.ts'
import type { Baseline, Measurements } from '../../../src/domain/measurements.ts'

/** What a fault is to be met with: a verdict, or an error before there is one. */
type Met = 'pass' | 'fail' | 'inconclusive' | 'invalid' | 'error 2' | 'error 3'

/** What lies on the disk; a text is written as it is, null is no file. */
export interface Files {
  readonly measurements: Measurements | string | null
  readonly baseline: Baseline | string | Uint8Array | null
  readonly config: string
  /** The main branch's newest baseline, for --history. */
  readonly newest: Baseline | string | null
}

export interface Fault {
  readonly name: string
  readonly met: Met
  readonly files?: Partial<Files>
  readonly options?: Partial<CompareOptions>
  /** The baseline is looked for on GitHub in place of a file. */
  readonly search?: { readonly store: RunStore; readonly change?: Partial<BaselineSearch> }
  /** What goes wrong before there is anything to compare, where no file shows it: throws. */
  readonly act?: (folder: string) => unknown
  /** Something on the disk that no text makes. */
  readonly special?: 'folder' | 'hugeFile'
}
