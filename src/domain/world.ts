/** The only seam for effects. Tests give a world with virtual time; cli/ and action/ give the real one. */
export interface World {
  /** ns since the run began, from the monotonic clock; an integer. */
  readonly nowNs: () => number
  /** Wall clock as ISO 8601, for labels and for what ends on a day. */
  readonly date: () => string
  /** Resolves early (without error) when the signal aborts. */
  readonly sleep: (durationNs: number, signal?: AbortSignal) => Promise<void>
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Runs a command to its end; never through a shell. Does not throw on a non-zero exit code. */
  readonly run: (command: string, args: readonly string[], options?: RunOptions) => Promise<RunOutput>
  /** Starts a long-lived process in a process group of its own that ends when this process does, however that ends. */
  readonly launch: (command: string, args: readonly string[], options: LaunchOptions) => LaunchedProcess
  /** Says what goes on, to a person. Never on stdout. */
  readonly progress: (message: string) => void
  /** The built load worker, or its source under test. */
  readonly loadWorker: URL
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly timeoutNs?: number
  readonly input?: string
  /** Each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string) => void
}

export interface RunOutput {
  /** null when a signal or the timeout ended it; 127 when the command does not exist. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}

export interface LaunchOptions {
  readonly cwd?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Each line of stdout and stderr as it comes. */
  readonly onLine: (line: string) => void
}

export interface LaunchedProcess {
  /** The process itself (not a supervisor of it), 0 until it has started. */
  readonly pid: number
  /** Resolves when it has ended: exit code, or null when a signal ended it. Never rejects. */
  readonly exited: Promise<number | null>
  readonly hasExited: () => boolean
  /** Sends SIGTERM, then SIGKILL to the whole process group after `graceNs`; resolves when all is gone. */
  readonly stop: (graceNs: number) => Promise<void>
}

export const nsPerMs = 1_000_000
export const nsPerSecond = 1_000_000_000
