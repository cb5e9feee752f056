import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { parseDuration } from '../config/duration.ts'
import { findConfigFile, loadConfig } from '../config/load-config.ts'
import { GateError } from '../domain/error.ts'
import type { Shell } from './shell.ts'

/** The flags that `run` and `search` share, as commander gives them. */
export interface GateOptions {
  readonly modelRepository?: string
  readonly models?: string
  readonly config?: string
  readonly triton?: 'auto' | 'embedded' | 'local' | 'docker' | 'remote'
  readonly tritonUrl?: string
  readonly tritonImage?: string
  readonly timeBudget?: string
  readonly latencyBudget?: string
  readonly minThroughput?: string
  readonly searchMode?: 'quick' | 'brute' | 'optuna' | 'off'
  readonly onInconclusive?: 'warn' | 'fail'
  readonly output: string
  readonly json?: boolean
}

/** Flags over file over defaults. Throws a usage error with everything that is wrong. */
export async function configFrom(shell: Shell, options: Omit<GateOptions, 'output'>): Promise<Config> {
  const config = await loadConfig({
    file: options.config ?? findConfigFile(shell.cwd),
    overrides: {
      modelRepository: options.modelRepository,
      models: options.models === undefined ? undefined : listOf(options.models),
      triton: options.triton,
      tritonUrl: options.tritonUrl,
      tritonImage: options.tritonImage,
      timeBudgetNs: options.timeBudget === undefined ? undefined : parseDuration(options.timeBudget),
      latencyBudgetMs: positiveOrNone('--latency-budget', options.latencyBudget),
      minThroughput: positiveOrNone('--min-throughput', options.minThroughput),
      runConfigSearchMode: options.searchMode,
      onInconclusive: options.onInconclusive,
    },
  })
  for (const warning of config.warnings) shell.err(`warning: ${warning}\n`)
  return config
}

/** The repository to judge: a flag or `model_repository` in the file. */
export function repositoryFrom(shell: Shell, config: Config): string {
  if (config.modelRepository !== null) return resolve(shell.cwd, config.modelRepository)
  throw new GateError('usage', 'no model repository is given', {
    hint: 'Name it with --model-repository DIR, or as model_repository in triton-perf-gate.yml.',
  })
}

export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A flag's number above 0. */
export function positive(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new GateError('usage', `${flag}: '${text}' is not a number above 0`)
}

function positiveOrNone(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(flag, text)
}
