import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { World } from '../domain/world.ts'
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
    loadWorker: loadWorker(),
    progress: (message) => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
      shell.err(`[${seconds.padStart(6)} s] ${message}\n`)
    },
  })
}

/** dist/worker beside dist/cli; the source where the CLI runs from its source. */
function loadWorker(): URL {
  // Computed: ncc would rewrite a literal `new URL(…, import.meta.url)` into an asset of its own.
  const [built, source] = ['../worker/index.js', '../load/worker.ts'].map(
    (path) => new URL(path, import.meta.url),
  ) as [URL, URL]
  return existsSync(fileURLToPath(built)) ? built : source
}
