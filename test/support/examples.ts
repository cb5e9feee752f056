import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

/** The pull requests of examples/pull_requests, without the `.patch`. */
export function pullRequests(): readonly string[] {
  return readdirSync(join(examples, 'pull_requests'))
    .filter((file) => file.endsWith('.patch'))
    .map((file) => file.slice(0, -'.patch'.length))
    .sort()
}

/**
 * A copy of the example model repository in a temporary folder, as committed or with a pull request applied.
 * A copy, because Triton's python backend writes `__pycache__` beside each model.py that it loads.
 */
export function copyExamples(pullRequest?: string): {
  readonly modelRepository: string
  readonly remove: () => void
} {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-examples-'))
  const modelRepository = join(folder, 'model_repository')
  cpSync(join(examples, 'model_repository'), modelRepository, {
    recursive: true,
    filter: (path) => !path.endsWith('__pycache__'),
  })
  if (pullRequest !== undefined) {
    execFileSync('git', ['apply', join(examples, 'pull_requests', `${pullRequest}.patch`)], { cwd: folder })
  }
  return { modelRepository, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
