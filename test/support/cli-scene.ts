import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CliOptions, type CliResult, runCli } from './cli.ts'

/** A folder in which the command line is run. */
export interface CliScene {
  readonly root: string
  /** Writes a file there, by its path from `root`. */
  readonly write: (name: string, text: string) => void
  /** Runs it there. One word each, so that a case reads as one would type it. */
  readonly tpg: (args: string, env?: CliOptions['env']) => Promise<CliResult>
  readonly remove: () => void
}

export function openCliScene(): CliScene {
  const root = mkdtempSync(join(tmpdir(), 'tpg-cli-'))
  return {
    root,
    write: (name, text) => {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    },
    tpg: (args, env = {}) => runCli(args.split(' '), { cwd: root, env }),
    remove: () => rmSync(root, { recursive: true }),
  }
}
