import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GateError } from '../domain/error.ts'
import { ignoredKeyWords } from '../domain/ignored-key.ts'
import { concurrentProblems } from './concurrent.ts'
import type { Config } from './config.ts'
import { crossProblems, ignoredKeysIn } from './cross-checks.ts'
import { type ConfigOverrides, checkOverrides } from './overrides.ts'
import { problemsOf } from './problems.ts'
import { resolve } from './resolve.ts'
import { fileSchema } from './schema.ts'
import { readYaml } from './yaml-source.ts'

/** Where the configuration file is looked for, from the root of a project. */
export const configFileNames = ['.', '.github'].flatMap((folder) =>
  ['triton-perf-gate.yml', 'triton-perf-gate.yaml'].map((name) => join(folder, name)),
)

/** The configuration file of a project: the first of these that there is, else null. */
export function findConfigFile(cwd: string): string | null {
  return configFileNames.map((name) => join(cwd, name)).find((path) => existsSync(path)) ?? null
}

/**
 * Flags over file over defaults.
 *
 * @throws GateError `config` with every problem of the file at once, each with line, column, key and
 * remedy; `usage` where a flag is out of range
 */
export async function loadConfig(request: {
  file: string | null
  overrides: ConfigOverrides
}): Promise<Config> {
  checkOverrides(request.overrides)
  if (request.file === null) return resolve(null, {}, request.overrides, [])
  return readConfig(await readText(request.file), request.file, request.overrides)
}

/** The same from the file's text. */
export function readConfig(text: string, file: string, overrides: ConfigOverrides): Config {
  const source = readYaml(text, file)
  const parsed = fileSchema.safeParse(source.value ?? {})
  const problems =
    source.problems.length > 0
      ? source.problems
      : [...problemsOf(parsed.error?.issues ?? [], source), ...crossProblems(source)]
  if (!parsed.success || problems.length > 0) {
    const sorted = problems.toSorted(
      (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    )
    throw new GateError('config', `${file} is not a valid configuration`, { problems: sorted })
  }
  const config = resolve(file, parsed.data, overrides, ignoredKeysIn(source))
  const together = concurrentProblems(config, source)
  if (together.length > 0)
    throw new GateError('config', `${file} is not a valid configuration`, { problems: together })
  return config
}

/** Everything that was read and is to be known before anything is measured, a line each. */
export function warningLines({ ignoredKeys, warnings }: Pick<Config, 'ignoredKeys' | 'warnings'>): string[] {
  return [...ignoredKeys.map(ignoredKeyWords), ...warnings]
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new GateError('config', `cannot read the configuration file ${file}`, {
      hint: 'Name an existing file by --config, or leave it out to use the defaults.',
      cause: error,
    })
  }
}
