/**
 * The exit codes of the program. Fail closed: whatever is not a judged pass is non-zero, except an
 * inconclusive report where the user's policy is to warn.
 */
export const exitCodes = {
  pass: 0,
  fail: 1,
  usage: 2,
  environment: 3,
  inconclusive: 4,
  interrupted: 130,
} as const

/** Every error code with the exit code it ends the program with. */
const codes = {
  /** A flag, input or argument is wrong. */
  usage: exitCodes.usage,
  /** The configuration file, a config.pbtxt or the model repository is wrong. */
  config: exitCodes.usage,
  /** The server could not be fetched, started, reached or stopped, or it does not answer. */
  server: exitCodes.environment,
  /** A model did not load, or every request to it fails. */
  model: exitCodes.environment,
  /** A baseline or measurement file cannot be used. */
  baseline: exitCodes.environment,
  /** The machine lacks something: Python, disk space, a port, a writable folder, git. */
  environment: exitCodes.environment,
  /** GitHub refused or did not answer. */
  github: exitCodes.environment,
  /** Stopped by a signal. */
  interrupted: exitCodes.interrupted,
  /** A defect of this program. */
  internal: exitCodes.environment,
} as const

export type ErrorCode = keyof typeof codes

/** One thing that is wrong in the user's input, as exactly located as is known. Lines and columns count from 1. */
export interface Problem {
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
  /** Where in the file, as a dotted path: `constraints.perf_latency_p99.max`. */
  readonly key?: string | undefined
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string | undefined
}

/** The one error class: what happened, what to do about it, and how the program ends. */
export class GateError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly problems: readonly Problem[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; problems?: readonly Problem[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GateError'
    this.code = code
    this.hint = options.hint
    this.problems = options.problems ?? []
  }

  get exitCode(): number {
    return codes[this.code]
  }
}

/** What anything that was thrown says of itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** `error` as a GateError: anything unforeseen is `internal`, never a pass. */
export function asGateError(error: unknown): GateError {
  if (error instanceof GateError) return error
  return new GateError('internal', messageOf(error), {
    cause: error,
    hint: 'This is a defect of triton-perf-gate: please report it with the output of --verbose.',
  })
}

/** The error as lines for a terminal or log: message, problems with their place, hint. */
export function describeError(error: GateError): string {
  const lines = [`error: ${error.message}`]
  for (const problem of error.problems) {
    const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':')
    const key = problem.key === undefined || problem.key === '' ? '' : `${problem.key}: `
    lines.push(`  ${place === '' ? '' : `${place}: `}${key}${problem.message}`)
    if (problem.remedy !== undefined) lines.push(`    → ${problem.remedy}`)
  }
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`)
  return lines.join('\n')
}
