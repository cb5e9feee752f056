import { dirname, join } from 'node:path'
import type { Result } from '../domain/result.ts'

/** Every output of action.yml; a test holds the two together. */
export const outputNames = [
  'verdict',
  'report-path',
  'result-path',
  'baseline-path',
  'best-config-path',
  'baseline-sha',
] as const

export type Outputs = Readonly<Record<(typeof outputNames)[number], string>>

/**
 * @param result null where the run ended without one: the verdict is then `invalid`
 * @param files what this run has written into `outputDirectory`, absolute
 * @returns every output; empty where there is no such file
 */
export function outputsOf(result: Result | null, outputDirectory: string, files: readonly string[]): Outputs {
  const written = (name: string) => files.find((file) => file === join(outputDirectory, name)) ?? ''
  const patches = join(outputDirectory, 'best-config')
  const baseline = result?.baseline
  return {
    verdict: result?.verdict.outcome ?? 'invalid',
    'report-path': written('report.md'),
    'result-path': written('result.json'),
    'baseline-path': written('baseline.json'),
    'best-config-path': files.some((file) => dirname(file) === patches) ? patches : '',
    'baseline-sha':
      baseline?.status === 'found' || baseline?.status === 'incompatible' ? (baseline.commit ?? '') : '',
  }
}
