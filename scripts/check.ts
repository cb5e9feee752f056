// The one gate of this repository: format, lint (type-aware), unused code, types, generated files, tests,
// and dist/ rebuilt and unchanged. Stops at the first that fails.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const fast = process.argv.includes('--no-tests')
const rebuilt = mkdtempSync(join(tmpdir(), 'tpg-dist-'))

const steps: [name: string, command: string, args: string[]][] = [
  ['format and lint', 'biome', ['ci', '.']],
  ['type-aware lint', 'eslint', ['.', '--max-warnings=0']],
  ['unused code', 'knip', []],
  ['types', 'tsc', ['--noEmit']],
  ['generated files', 'node', ['scripts/generate.ts', '--check']],
  ['dist is what the source builds', 'node', ['scripts/build.ts', rebuilt]],
  ['dist unchanged', 'diff', ['-r', rebuilt, 'dist']],
  ...(fast ? [] : ([['tests', 'vitest', ['run']]] as [string, string, string[]][])),
]

try {
  for (const [name, command, args] of steps) {
    console.log(`\n── ${name}: ${command} ${args.join(' ')}`)
    execFileSync(command, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
    })
  }
  console.log('\ncheck: all of it passed')
} catch (error) {
  console.error(`\ncheck: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(rebuilt, { recursive: true, force: true })
}
