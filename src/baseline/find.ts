import type { Environment } from '../domain/environment.ts'
import type { Baseline } from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
import { fingerprint } from './fingerprint.ts'
import { readBaseline } from './read.ts'

/** A file to read, or what already became of the search for one. */
export type BaselineRequest =
  | { readonly status: 'file'; readonly path: string; readonly source: string }
  | Exclude<BaselineStatus, { status: 'found' | 'incompatible' }>

/** The baseline and whether it can be compared with `current`; null where there is none to be read. */
export async function findBaseline(
  request: BaselineRequest,
  current: Environment,
): Promise<{ readonly status: BaselineStatus; readonly baseline: Baseline | null }> {
  if (request.status !== 'file') return { status: request, baseline: null }
  const read = await readBaseline(request.path, request.source)
  if (read.status !== 'found') return { status: read, baseline: null }
  return { status: fingerprint(read.baseline, read.source, current), baseline: read.baseline }
}
