import type { Environment } from '../domain/environment.ts'
import type { Baseline } from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
import { fingerprint } from './fingerprint.ts'
import { type BaselineRead, readBaseline } from './read.ts'

/** A file to read, or what already became of the search for one. */
export type BaselineRequest =
  | {
      readonly status: 'file'
      readonly path: string
      /** The same as it was given. */
      readonly source: string
    }
  | Exclude<BaselineStatus, { status: 'found' | 'incompatible' }>

/** What stands there, before it is known what it is compared with; `incompatible` only of a version yet unknown. */
export type OpenedBaseline =
  | Exclude<BaselineStatus, { status: 'found' }>
  | (Extract<BaselineRead, { status: 'found' }> & { readonly file?: string; readonly passedOver?: string[] })

export async function openBaseline(request: BaselineRequest): Promise<OpenedBaseline> {
  if (request.status !== 'file') return request
  const { path, source } = request
  const read = await readBaseline(path, source)
  return read.status === 'found' ? { ...read, file: source } : read
}

/** The baseline and whether it can be compared with `current`; null where there is none to be read. */
export function matchBaseline(
  opened: OpenedBaseline,
  current: Environment,
): { readonly status: BaselineStatus; readonly baseline: Baseline | null } {
  if (opened.status !== 'found') return { status: opened, baseline: null }
  return { status: fingerprint(opened.baseline, opened, current), baseline: opened.baseline }
}
