import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { GateError } from '../domain/error.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'

/** A commit's files in a temporary folder. */
export interface Checkout {
  /** The root of the checked out tree. */
  readonly path: string
  /** The full hash. */
  readonly commit: string
  readonly remove: () => Promise<void>
}

/** A checkout of a repository with large files takes a while; everything else is instant. */
const checkoutTimeoutNs = 600 * nsPerSecond

/** The root of the git repository that `path` lies in, spelled as `path` is; null outside git. */
export async function repositoryRoot(world: World, path: string): Promise<string | null> {
  // --show-toplevel would resolve symbolic links, and `path` were no longer below the root.
  const output = await git(world, path, 'rev-parse', '--show-cdup')
  return output.exitCode === 0 ? resolve(path, output.stdout.trim()) : null
}

/** The full hash of HEAD; null outside git and before the first commit. */
export async function headCommit(world: World, path: string): Promise<string | null> {
  return commitOf(world, path, 'HEAD')
}

/**
 * Checks `ref` out into a temporary worktree that shares the repository's objects. Hooks do not run,
 * submodules are not fetched; Git LFS works where the repository uses it.
 */
export async function checkoutReference(world: World, path: string, ref: string): Promise<Checkout> {
  await requireRepository(world, path, ref)
  const commit = await commitOf(world, path, ref)
  if (commit === null) throw await unknownCommit(world, path, ref)
  await removeStaleWorktrees(world, path)

  const folder = mkdtempSync(join(world.env.RUNNER_TEMP || tmpdir(), `${prefix}${processIdentity()}.`))
  const remove = async () => {
    await git(world, path, 'worktree', 'remove', '--force', folder)
    rmSync(folder, { recursive: true, force: true })
    await git(world, path, 'worktree', 'prune')
  }
  const output = await git(world, path, 'worktree', 'add', '--detach', '--force', folder, commit)
  if (output.exitCode !== 0) {
    await remove()
    if (world.signal.aborted)
      throw new GateError('interrupted', 'interrupted while checking out the reference')
    throw new GateError('environment', `the reference ${ref} could not be checked out: ${lastLine(output)}`)
  }
  return { path: folder, commit, remove }
}

const prefix = 'triton-perf-gate-reference.'

/** Worktrees whose owner was killed before it could remove them. */
async function removeStaleWorktrees(world: World, path: string): Promise<void> {
  const { stdout } = await git(world, path, 'worktree', 'list', '--porcelain')
  for (const [, worktree] of stdout.matchAll(/^worktree (.*)$/gm)) {
    if (worktree === undefined || !basename(worktree).startsWith(prefix)) continue
    const owner = basename(worktree)
      .slice(prefix.length)
      .replace(/\.[^.]*$/, '')
    if (stateOf(owner) === 'dead') await git(world, path, 'worktree', 'remove', '--force', worktree)
  }
  await git(world, path, 'worktree', 'prune')
}

async function commitOf(world: World, path: string, ref: string): Promise<string | null> {
  const output = await git(
    world,
    path,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  )
  return output.exitCode === 0 ? output.stdout.trim() : null
}

async function requireRepository(world: World, path: string, ref: string): Promise<void> {
  const output = await git(world, path, 'rev-parse', '--git-dir')
  if (output.exitCode === 0) return
  const hint = 'Without git, give the folder to compare with: `--reference-repository DIR`.'
  if (output.exitCode === 127) {
    throw new GateError('environment', `git is not installed, so ${ref} cannot be checked out`, { hint })
  }
  if (/dubious ownership/.test(output.stderr)) {
    throw new GateError('environment', `git does not trust ${path}: it belongs to another user`, {
      hint: `Run \`git config --global --add safe.directory ${path}\` first.`,
    })
  }
  throw new GateError('usage', `${path} is not in a git repository, so ${ref} cannot be checked out`, {
    hint,
  })
}

async function unknownCommit(world: World, path: string, ref: string): Promise<GateError> {
  const shallow = (await git(world, path, 'rev-parse', '--is-shallow-repository')).stdout.trim() === 'true'
  return shallow
    ? new GateError('environment', `${ref} is not in this shallow clone`, {
        hint: 'Use actions/checkout with `fetch-depth: 0`, or run `git fetch --unshallow`.',
      })
    : new GateError('usage', `git does not know ${ref}`, {
        hint: 'Is it spelled right and fetched? `git fetch origin` brings what the remote has.',
      })
}

function git(world: World, path: string, ...args: string[]): Promise<RunOutput> {
  // Hooks of a checkout are code of the repository and have no business here.
  return world.run('git', ['-C', path, '-c', 'core.hooksPath=/dev/null', ...args], {
    // Its messages are read; a question (a password for LFS) would wait for ever.
    env: { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' },
    timeoutNs: checkoutTimeoutNs,
  })
}

function lastLine(output: RunOutput): string {
  return output.timedOut ? 'it took too long' : output.stderr.trim().split('\n').at(-1) || 'no message'
}
