import { parseDuration } from '../config/duration.ts'
import type { ConfigOverrides } from '../config/overrides.ts'
import { GateError, messageOf, type Problem } from '../domain/error.ts'
import type { Mode } from './context.ts'

/** Every input of action.yml with its default; a test holds the two together. */
export const inputDefaults = {
  mode: 'auto',
  'model-repository': '',
  config: '',
  models: '',
  triton: '',
  'triton-url': '',
  'triton-image': '',
  'latency-budget': '',
  'min-throughput': '',
  'time-budget': '',
  'search-mode': '',
  'on-inconclusive': '',
  'on-missing-baseline': '',
  baseline: '',
  'baseline-artifact-name': 'triton-perf-gate-baseline',
  'baseline-workflow': '',
  'baseline-run-id': '',
  reference: '',
  'skip-untouched': 'true',
  comment: 'true',
  'comment-key': 'default',
  suggest: 'false',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the runner fills it in
  'github-token': '${{ github.token }}',
  'output-directory': 'triton-perf-gate-out',
} as const satisfies Record<string, string>

export type InputName = keyof typeof inputDefaults

const modes = ['auto', 'baseline', 'gate', 'release', 'comment'] as const
const tritonModes = ['auto', 'embedded', 'local', 'docker', 'remote'] as const
const searchModes = ['quick', 'brute', 'off'] as const
const policies = ['warn', 'fail'] as const
const missingOutcomes = ['inconclusive', 'fail'] as const

/** The inputs of the action, read once. An input that overrides the configuration is null where it was left empty. */
export interface Inputs {
  readonly mode: (typeof modes)[number]
  readonly modelRepository: string | null
  readonly config: string | null
  readonly models: readonly string[] | null
  readonly triton: (typeof tritonModes)[number] | null
  readonly tritonUrl: string | null
  readonly tritonImage: string | null
  /** Milliseconds, as in the configuration file. */
  readonly latencyBudgetMs: number | null
  /** Inferences per second. */
  readonly minThroughput: number | null
  /** For the whole run. */
  readonly timeBudgetNs: number | null
  readonly searchMode: (typeof searchModes)[number] | null
  readonly onInconclusive: (typeof policies)[number] | null
  readonly onMissingBaseline: (typeof missingOutcomes)[number] | null
  /** A baseline file to use in place of the search for an artifact. */
  readonly baseline: string | null
  readonly baselineArtifactName: string
  /** File name of the workflow that uploads the baseline; null = this one. */
  readonly baselineWorkflow: string | null
  /** The run whose baseline is used, whatever the newest one is. */
  readonly baselineRunId: number | null
  readonly reference: string | null
  /** Whether a pull request or merge group that touches no model passes without a measurement. */
  readonly skipUntouched: boolean
  readonly comment: boolean
  readonly commentKey: string
  /** Whether to propose the best configuration as a review suggestion. */
  readonly suggest: boolean
  readonly githubToken: string | null
  readonly outputDirectory: string
}

/**
 * @param get the value of an input, trimmed, empty where it was not given (`core.getInput`)
 * @throws GateError `usage` that names every bad input at once
 */
export function readInputs(get: (name: InputName) => string): Inputs {
  const problems: Problem[] = []
  const reject = (key: InputName, message: string, remedy: string) => problems.push({ key, message, remedy })
  const text = (name: InputName) => get(name).trim() || null
  const textOr = (name: 'baseline-artifact-name' | 'comment-key' | 'output-directory') =>
    text(name) ?? inputDefaults[name]

  const oneOf = <T extends string>(name: InputName, allowed: readonly T[]): T | null => {
    const value = text(name)
    const found = allowed.find((word) => word === value)
    if (value !== null && found === undefined)
      reject(name, `"${value}" is not known`, `use ${allowed.join(', ')}`)
    return found ?? null
  }
  const positive = (name: InputName, unit: string): number | null => {
    const value = text(name)
    if (value === null) return null
    const number = Number(value)
    if (Number.isFinite(number) && number > 0) return number
    reject(name, `"${value}" is not a number above 0`, `give a plain number, in ${unit}`)
    return null
  }
  const runId = (name: InputName): number | null => {
    const value = text(name)
    if (value === null) return null
    if (/^[1-9]\d{0,15}$/.test(value)) return Number(value)
    reject(name, `"${value}" is not the number of a run`, 'give the number in the URL of the run')
    return null
  }
  const duration = (name: InputName): number | null => {
    const value = text(name)
    try {
      return value === null ? null : parseDuration(value)
    } catch (error) {
      reject(name, messageOf(error), 'write it like 300s or 10m')
      return null
    }
  }
  /** What GitHub forbids in artifact names, and what would break the comment's marker. */
  const safeName = (name: 'baseline-artifact-name' | 'comment-key', pattern: RegExp, remedy: string) => {
    const value = textOr(name)
    if (!pattern.test(value)) reject(name, `"${value}" cannot be used`, remedy)
    return value
  }

  const inputs: Inputs = {
    mode: oneOf('mode', modes) ?? 'auto',
    modelRepository: text('model-repository'),
    config: text('config'),
    models: list(get('models')),
    triton: oneOf('triton', tritonModes),
    tritonUrl: text('triton-url'),
    tritonImage: text('triton-image'),
    latencyBudgetMs: positive('latency-budget', 'milliseconds'),
    minThroughput: positive('min-throughput', 'inferences per second'),
    timeBudgetNs: duration('time-budget'),
    searchMode: oneOf('search-mode', searchModes),
    onInconclusive: oneOf('on-inconclusive', policies),
    onMissingBaseline: oneOf('on-missing-baseline', missingOutcomes),
    baseline: text('baseline'),
    baselineArtifactName: safeName(
      'baseline-artifact-name',
      /^[\w.-]{1,200}$/,
      'use letters, digits, dot, dash and underscore',
    ),
    baselineWorkflow: text('baseline-workflow'),
    baselineRunId: runId('baseline-run-id'),
    reference: text('reference'),
    skipUntouched: oneOf('skip-untouched', ['true', 'false']) !== 'false',
    comment: oneOf('comment', ['true', 'false']) !== 'false',
    commentKey: safeName('comment-key', /^[\w.-]{1,100}$/, 'use letters, digits, dot, dash and underscore'),
    suggest: oneOf('suggest', ['true', 'false']) === 'true',
    githubToken: text('github-token'),
    outputDirectory: textOr('output-directory'),
  }
  if (inputs.baselineWorkflow !== null && !/^[\w. -]+\.ya?ml$/.test(inputs.baselineWorkflow)) {
    reject(
      'baseline-workflow',
      `"${inputs.baselineWorkflow}" is not a workflow's file name`,
      'use the name inside .github/workflows/, such as main.yml',
    )
  }
  if (problems.length > 0)
    throw new GateError('usage', 'the inputs of the action are not right', { problems })
  return inputs
}

/**
 * The inputs that stand above the configuration file, in the words of `loadConfig`; and whether a release is judged, for
 * which the policies under `gate.release` hold.
 */
export function overridesOf(inputs: Inputs, mode: Mode = 'gate'): ConfigOverrides {
  const given = {
    modelRepository: inputs.modelRepository,
    models: inputs.models,
    triton: inputs.triton,
    tritonUrl: inputs.tritonUrl,
    tritonImage: inputs.tritonImage,
    timeBudgetNs: inputs.timeBudgetNs,
    latencyBudgetMs: inputs.latencyBudgetMs,
    minThroughput: inputs.minThroughput,
    runConfigSearchMode: inputs.searchMode,
    onInconclusive: inputs.onInconclusive,
    onMissingBaseline: inputs.onMissingBaseline,
    release: mode === 'release' ? true : null,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}

/** Names parted by commas or lines. */
function list(text: string): readonly string[] | null {
  const names = text
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return names.length === 0 ? null : names
}
