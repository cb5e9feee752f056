import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A git repository in a folder, for the checkout of a step. */
export interface TestRepository {
  readonly directory: string
  /** Writes files, or removes those that are null, and commits them on the branch that is checked out; the commit. */
  readonly commit: (message: string, files: Readonly<Record<string, string | null>>) => string
  readonly checkout: (revision: string) => void
  /** The commit that is checked out. */
  readonly head: () => string
  readonly branch: (name: string, from: string) => void
  /** GitHub's test merge of a branch into main, checked out as actions/checkout does; the commit. */
  readonly testMerge: (branch: string) => string
  /** The diff of a file since it left main, as GitHub lists it with a pull request: hunks alone; undefined where there is none. */
  readonly patchOf: (revision: string, path: string) => string | undefined
  /** How the second commit lies to the first, as GitHub tells it; null where one of them is unknown. */
  readonly compare: (base: string, head: string) => 'ahead' | 'behind' | 'diverged' | 'identical' | null
}

export function makeRepository(directory: string): TestRepository {
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', directory])
  const git = (...args: string[]): string => {
    const identity = [
      '-c',
      'user.name=Test',
      '-c',
      'user.email=test@example.invalid',
      '-c',
      'commit.gpgsign=false',
    ]
    return execFileSync('git', ['-C', directory, ...identity, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  }
  return {
    directory,
    commit(message, files) {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, name)), { recursive: true })
        if (content === null) rmSync(join(directory, name))
        else writeFileSync(join(directory, name), content)
      }
      git('add', '--all')
      git('commit', '--quiet', '--message', message)
      return git('rev-parse', 'HEAD')
    },
    checkout: (revision) => void git('checkout', '--quiet', revision),
    head: () => git('rev-parse', 'HEAD'),
    branch: (name, from) => void git('checkout', '--quiet', '-b', name, from),
    testMerge(branch) {
      git('checkout', '--quiet', '--detach', 'main')
      git('merge', '--quiet', '--no-ff', '--message', `Merge ${branch} into main`, branch)
      return git('rev-parse', 'HEAD')
    },
    patchOf(revision, path) {
      const diff = git('diff', `main...${revision}`, '--', path)
      const hunks = diff.indexOf('@@ ')
      return hunks < 0 ? undefined : diff.slice(hunks)
    },
    compare(base, head) {
      const isAncestor = (of: string, other: string) => {
        try {
          return git('merge-base', of, other) === git('rev-parse', `${of}^{commit}`)
        } catch {
          return null
        }
      }
      const ahead = isAncestor(base, head)
      const behind = isAncestor(head, base)
      if (ahead === null || behind === null) return null
      return ahead && behind ? 'identical' : ahead ? 'ahead' : behind ? 'behind' : 'diverged'
    },
  }
}
