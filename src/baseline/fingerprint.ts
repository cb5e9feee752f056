import { type Environment, incomparable } from '../domain/environment.ts'
import type { Baseline } from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'
import { baselineMaker } from '../domain/words.ts'

type Fingerprinted = Extract<BaselineStatus, { status: 'found' | 'incompatible' }>

/**
 * Whether a baseline was measured on what this run measures on: else its absolute numbers say nothing here.
 *
 * @param search where it came from, and what was passed over on the way to it
 */
export function fingerprint(
  baseline: Baseline,
  search: Pick<Fingerprinted, 'source' | 'file' | 'passedOver'>,
  current: Environment,
): Fingerprinted {
  const { source, file, passedOver } = search
  const origin = {
    source,
    ...(file === undefined ? {} : { file }),
    commit: baseline.commit,
    createdAt: baseline.createdAt,
    ...(passedOver === undefined ? {} : { passedOver }),
  }
  const differences = incomparable(baseline.environment, current)
  if (differences.length === 0) return { status: 'found', ...origin }
  return {
    status: 'incompatible',
    ...origin,
    differences,
    next: `Compare with --reference, which measures both sides here, or measure the main branch on this machine (${baselineMaker}).`,
  }
}
