import { GateError, type Problem } from '../domain/error.ts'
import type { GateSettings, TritonSettings } from './config.ts'
import { modelName } from './schema.ts'

/** What the command line's flags or the action's inputs may say. It goes before the file. */
export interface ConfigOverrides {
  readonly modelRepository?: string | undefined
  readonly engine?: GateSettings['engine'] | undefined
  readonly perfAnalyzerPath?: string | undefined
  readonly models?: readonly string[] | undefined
  readonly triton?: TritonSettings['mode'] | undefined
  /** Means remote mode where `triton` says nothing else. */
  readonly tritonUrl?: string | undefined
  readonly tritonImage?: string | undefined
  readonly tritonServerPath?: string | undefined
  readonly timeBudgetNs?: number | undefined
  readonly latencyBudgetMs?: number | undefined
  readonly minThroughput?: number | undefined
  readonly repetitions?: number | undefined
  readonly onInconclusive?: GateSettings['onInconclusive'] | undefined
  readonly onMissingBaseline?: GateSettings['onMissingBaseline'] | undefined
  readonly mode?: 'online' | 'offline' | undefined
  /** A release is judged: its policies hold. */
  readonly release?: boolean | undefined
  readonly runConfigSearchMode?: 'quick' | 'brute' | 'optuna' | 'off' | undefined
  readonly runnerClass?: string | undefined
  readonly seed?: number | undefined
  /** `random`, `zero`, or absolute paths. */
  readonly inputData?: readonly string[] | undefined
  readonly sharedMemory?: 'none' | 'system' | undefined
}

/** @throws GateError `usage` with every flag that is out of range */
export function checkOverrides(overrides: ConfigOverrides): void {
  const problems: Problem[] = []
  const expect = (name: keyof ConfigOverrides, fits: (value: number) => boolean, expected: string) => {
    const value = overrides[name]
    if (typeof value !== 'number' || fits(value)) return
    problems.push({ key: kebab(name), message: `expected ${expected}, got ${value}` })
  }
  const positive = (value: number) => Number.isFinite(value) && value > 0
  expect('timeBudgetNs', positive, 'a duration above 0')
  expect('latencyBudgetMs', positive, 'a number of ms above 0')
  expect('minThroughput', positive, 'a number of inferences per second above 0')
  expect('repetitions', (value) => Number.isSafeInteger(value) && value >= 2, 'an integer from 2 on')
  expect('seed', (value) => Number.isSafeInteger(value) && value >= 0, 'an integer from 0 on')
  for (const model of overrides.models ?? []) {
    if (!modelName.safeParse(model).success) {
      problems.push({ key: 'models', message: `${JSON.stringify(model)} is not a model name` })
    }
  }
  if (problems.length > 0) throw new GateError('usage', 'flags or inputs are wrong', { problems })
}

/** The flag's name without its unit. */
function kebab(name: string): string {
  return name.replace(/(Ns|Ms)$/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
