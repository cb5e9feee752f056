/** The last lines of a server's log, and those who listen to it. */
export interface ServerLog {
  readonly add: (line: string) => void
  /** The last `count` lines, oldest first. */
  readonly tail: (count: number) => string[]
  /** Calls `listener` for each line from now on; gives the function that ends it. */
  readonly listen: (listener: (line: string) => void) => () => void
}

/** A start, a failing load and a stop with their tracebacks and tables fit easily. */
const keptLines = 1000

export function createServerLog(): ServerLog {
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  return {
    add: (line) => {
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
      for (const listener of listeners) listener(line)
    },
    tail: (count) => lines.slice(-count),
    listen: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/**
 * The message of a log line without its head (`E0817 19:18:51.786824 2997733 file.cc:1265] `, or with an
 * ISO date); since 24.06 it is written as a JSON string. Other lines come back as they are.
 */
export function logMessage(line: string): string {
  const message = /^[IWEF]?\d{4}[-\d :.TZIWEF]* \S+:\d+\] +(.*)$/.exec(line)?.[1]
  if (message === undefined) return line
  try {
    const parsed: unknown = JSON.parse(message)
    return typeof parsed === 'string' ? parsed : message
  } catch {
    return message
  }
}

/**
 * Why models could not be read, of which the RPC only says "failed to poll from model repository": the
 * lines `Poll failed for model directory …`, with the parser's own line and column where it spoke before.
 */
export function pollFailures(lines: readonly string[]): string[] {
  const reasons: string[] = []
  let parserSaid: string | null = null
  for (const line of lines) {
    const parser = /^\[libprotobuf ERROR [^\]]*\] (.*)$/.exec(line)?.[1]
    if (parser !== undefined) parserSaid = parser
    const message = logMessage(line)
    if (!message.startsWith('Poll failed for model directory')) continue
    reasons.push(parserSaid === null ? message : `${message} (${parserSaid})`)
    parserSaid = null
  }
  return reasons
}

/** Lines with which a model's process says that it cannot start. The load call then never gets an answer. */
const stubDeath =
  /error while loading shared libraries|version [`'"]GLIBC\S* not found|cannot execute binary file|Failed to preinitialize Python stub/

export function isStubDeath(line: string): boolean {
  return stubDeath.test(line)
}

/** A flag it does not know, in front of hundreds of lines of usage. */
export function isBadUsage(line: string): boolean {
  return /unrecognized option|Bad option:|Unexpected argument:/.test(line)
}

/** Another program took the port between our choosing it and the server's using it. */
export function isPortTaken(line: string): boolean {
  return /already in use|at the same address and port/i.test(line)
}
