import { nsPerSecond, type World } from '../domain/world.ts'

/** git compares trees of the size of a repository within a second; a dead network file system must not cost the job. */
const timeoutNs = 60 * nsPerSecond

/**
 * The paths that differ between two commits, from the repository's root; a file that moved counts with both its
 * names. null where git cannot say, which is not the same as none.
 */
export async function changedFiles(
  world: Pick<World, 'run'>,
  root: string,
  from: string,
  to: string,
): Promise<readonly string[] | null> {
  const args = ['diff', '--name-only', '--no-renames', '-z', '--end-of-options', from, to, '--']
  const output = await world.run('git', ['-C', root, ...args], { timeoutNs })
  return output.exitCode === 0 ? output.stdout.split('\0').filter((path) => path !== '') : null
}

/**
 * How many files git keeps below these paths, and how many of them are links or other repositories: what those lead to
 * changes without a path in them. null where git cannot say.
 */
export async function keptFiles(
  world: Pick<World, 'run'>,
  root: string,
  paths: readonly string[],
): Promise<{ readonly count: number; readonly links: number } | null> {
  const args = ['ls-files', '--stage', '-z', '--', ...paths.map(literally)]
  const output = await world.run('git', ['-C', root, ...args], { timeoutNs })
  if (output.exitCode !== 0) return null
  const entries = output.stdout.split('\0').filter((entry) => entry !== '')
  return { count: entries.length, links: entries.filter((entry) => /^1[26]0000 /.test(entry)).length }
}

/** Whether these paths hold what HEAD has not: files that an earlier step has made or changed, ignored ones too. */
export async function differsFromHead(
  world: Pick<World, 'run'>,
  root: string,
  paths: readonly string[],
): Promise<boolean> {
  const asked = [
    ['ls-files', '--others', '-z', '--', ...paths.map(literally)],
    ['diff', '--name-only', '-z', 'HEAD', '--', ...paths.map(literally)],
  ]
  const outputs = await Promise.all(
    asked.map((args) => world.run('git', ['-C', root, ...args], { timeoutNs })),
  )
  return outputs.some(({ exitCode, stdout }) => exitCode !== 0 || stdout !== '')
}

/** As a path of git from its root, in which no character is a pattern. */
function literally(path: string): string {
  return `:(top,literal)${path}`
}

/** The first line, counted from 1, that `to` has changed in a file; null where it has not. */
export async function firstChangedLine(
  world: Pick<World, 'run'>,
  root: string,
  from: string,
  to: string,
  path: string,
): Promise<number | null> {
  const args = ['diff', '--unified=0', '--no-ext-diff', '--end-of-options', from, to, '--', path]
  const output = await world.run('git', ['-C', root, ...args], { timeoutNs })
  const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/m.exec(output.stdout)
  // A hunk that only removes begins on the line before, which may be none.
  return hunk === null ? null : Math.max(1, Number(hunk[1]))
}
