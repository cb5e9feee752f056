import { type Environment, incomparable } from '../domain/environment.ts'
import type { Baseline } from '../domain/measurements.ts'
import type { BaselineStatus } from '../domain/result.ts'

type Fingerprinted = Extract<BaselineStatus, { status: 'found' | 'incompatible' }>

/** Whether a baseline was measured on what this run measures on: else its absolute numbers say nothing here. */
export function fingerprint(baseline: Baseline, source: string, current: Environment): Fingerprinted {
  const origin = { source, commit: baseline.commit, createdAt: baseline.createdAt }
  const differences = incomparable(baseline.environment, current)
  if (differences.length === 0) return { status: 'found', ...origin }
  return {
    status: 'incompatible',
    ...origin,
    differences,
    next: 'Compare with --reference, which measures both sides here, or measure the main branch on this machine with mode baseline.',
  }
}
