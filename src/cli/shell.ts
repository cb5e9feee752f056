import type { World } from '../domain/world.ts'
import { loadWorkerFor } from '../system/load-worker.ts'
import { createNodeWorld } from '../system/node-world.ts'

/** What every command gets from the process. */
export interface Shell {
  readonly signal: AbortSignal
  /** Reports, and nothing else. */
  readonly out: (text: string) => void
  /** Progress and everything else. */
  readonly err: (text: string) => void
  readonly cwd: string
}

export function worldOf(shell: Shell): World {
  const startMs = performance.now()
  return createNodeWorld({
    signal: shell.signal,
    loadWorker: loadWorkerFor(import.meta.url),
    progress: (message) => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
      shell.err(`[${seconds.padStart(6)} s] ${message}\n`)
    },
  })
}
