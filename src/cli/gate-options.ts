import { resolve } from 'node:path'
import type { Config, GateSettings, TritonSettings } from '../config/config.ts'
import { findConfigFile, loadConfig, warningLines } from '../config/load-config.ts'
import type { ConfigOverrides } from '../config/overrides.ts'
import { asGateError, GateError, type Problem } from '../domain/error.ts'
import { duration, modelNames, positive } from './flag-values.ts'
import type { Shell } from './shell.ts'

/** The flags that `run` and `search` share, as commander gives them. */
export interface GateOptions {
  readonly modelRepository?: string
  readonly models?: string
  readonly config?: string
  readonly engine?: GateSettings['engine']
  readonly perfAnalyzerPath?: string
  readonly triton?: TritonSettings['mode']
  readonly tritonUrl?: string
  readonly tritonImage?: string
  readonly timeBudget?: string
  readonly latencyBudget?: string
  readonly minThroughput?: string
  readonly mode?: 'online' | 'offline'
  readonly searchMode?: NonNullable<ConfigOverrides['runConfigSearchMode']>
  readonly onInconclusive?: GateSettings['onInconclusive']
  readonly onMissingBaseline?: GateSettings['onMissingBaseline']
  readonly release?: boolean
  readonly output: string
  readonly resume?: boolean
  readonly json?: boolean
}

type FlagParser<Value> = (flag: string, text: string) => Value

/** Flags over file over defaults. Throws a usage error with every flag that is wrong. */
export async function configFrom(shell: Shell, options: Omit<GateOptions, 'output'>): Promise<Config> {
  const problems: Problem[] = []
  const read = <Value>(flag: string, text: string | undefined, parse: FlagParser<Value>) => {
    try {
      return text === undefined ? undefined : parse(flag, text)
    } catch (error) {
      const { code, message, hint } = asGateError(error)
      if (code !== 'usage') throw error
      problems.push({ message, remedy: hint })
      return undefined
    }
  }
  const overrides: ConfigOverrides = {
    modelRepository: options.modelRepository,
    models: read('--models', options.models, modelNames),
    engine: options.engine,
    perfAnalyzerPath: options.perfAnalyzerPath,
    triton: options.triton,
    tritonUrl: options.tritonUrl,
    tritonImage: options.tritonImage,
    timeBudgetNs: read('--time-budget', options.timeBudget, duration),
    latencyBudgetMs: read('--latency-budget', options.latencyBudget, positive),
    minThroughput: read('--min-throughput', options.minThroughput, positive),
    mode: options.mode,
    runConfigSearchMode: options.searchMode,
    onInconclusive: options.onInconclusive,
    onMissingBaseline: options.onMissingBaseline,
    release: options.release,
  }
  if (problems.length > 0) throw new GateError('usage', 'flags are wrong', { problems })
  const config = await loadConfig({ file: options.config ?? findConfigFile(shell.cwd), overrides })
  for (const warning of warningLines(config)) shell.err(`warning: ${warning}\n`)
  return config
}

/** The repository to judge: a flag or `model_repository` in the file. */
export function repositoryFrom(shell: Shell, config: Config): string {
  if (config.modelRepository !== null) return resolve(shell.cwd, config.modelRepository)
  throw new GateError('usage', 'no model repository is given', {
    hint: 'Name it with --model-repository DIR, or as model_repository in triton-perf-gate.yml.',
  })
}
