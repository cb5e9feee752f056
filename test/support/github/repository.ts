import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A git repository in a folder, for the checkout of a step. */
export interface TestRepository {
  readonly directory: string
  /** Writes files and commits them on the branch that is checked out; the commit. */
  readonly commit: (message: string, files: Readonly<Record<string, string>>) => string
  readonly checkout: (revision: string) => void
  readonly branch: (name: string, from: string) => void
  /** GitHub's test merge of a branch into main, checked out as actions/checkout does; the commit. */
  readonly testMerge: (branch: string) => string
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
        writeFileSync(join(directory, name), content)
      }
      git('add', '--all')
      git('commit', '--quiet', '--message', message)
      return git('rev-parse', 'HEAD')
    },
    checkout: (revision) => void git('checkout', '--quiet', revision),
    branch: (name, from) => void git('checkout', '--quiet', '-b', name, from),
    testMerge(branch) {
      git('checkout', '--quiet', '--detach', 'main')
      git('merge', '--quiet', '--no-ff', '--message', `Merge ${branch} into main`, branch)
      return git('rev-parse', 'HEAD')
    },
  }
}
