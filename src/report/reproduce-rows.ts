import { posix } from 'node:path'
import type { BaselineStatus, Result } from '../domain/result.ts'
import type { Report } from './rows.ts'
import { shellFlag } from './shell-word.ts'
import { shortCommit } from './verdict-rows.ts'

/**
 * The command that measures the same sides again on the same kind of server, and the one that judges the files of this run
 * again, which gives the same bytes. Whatever comes from a file is quoted for a shell.
 */
export function reproduce(result: Result): Report['reproduce'] {
  const { command = 'run', output = '.', mode } = result.invocation ?? {}
  const flags = quoted(result.invocation?.flags ?? [])
  const policies = quoted(result.invocation?.policies ?? [])
  const stored = [
    ...storedFile('--baseline', 'baseline.json', result.baseline),
    ...storedFile('--history', 'newest-baseline.json', result.recent),
  ]
  const storedFlags = stored.map(({ flag }) => flag)
  const at =
    result.commit === null ? 'In the repository' : `In the repository at commit ${shortCommit(result.commit)}`
  const files = stored.flatMap(({ from }) => (from === null ? [] : [from]))
  const again = [
    `triton-perf-gate ${command} --triton ${result.environment.triton.mode}`,
    ...(policies.some(isModelsFlag) ? policies.filter(isModelsFlag) : modelsFlag(result)),
    ...flags,
    ...referenceFlag(result),
    ...storedFlags,
    ...policies.filter((flag) => !isModelsFlag(flag)),
  ]
  const measured = {
    text: files.length === 0 ? `${at}:` : `${at}, with ${files.join(' and ')}:`,
    command: again.join(' '),
  }
  // A run that compares with nothing is judged by another rule than `compare` has.
  if (mode !== 'gate') return shown([measured])
  const file = 'measurements.json'
  const config = flags.filter((flag) => /^--config[ =]/.test(flag))
  const judged = [
    `triton-perf-gate compare ${shellFlag(`--measurements ${posix.join(output, file)}`) ?? `--measurements ${file}`}`,
    ...config,
    ...storedFlags,
    ...policies,
  ]
  return shown([
    measured,
    { text: 'The same verdict from the files of this run:', command: judged.join(' ') },
  ])
}

/** Far more than a long path; what a foreign file makes longer must not crowd the report out of a comment. */
const maxCommandLength = 4000

function shown(commands: Report['reproduce']): Report['reproduce'] {
  return commands.filter(({ command }) => command.length <= maxCommandLength)
}

const isModelsFlag = (flag: string) => /^--models[ =]/.test(flag)

function quoted(flags: readonly string[]): string[] {
  return flags.flatMap((flag) => shellFlag(flag) ?? [])
}

/** More than this nobody copies; without the flag the same command measures every model. */
const maxModelsFlagLength = 500

/** Names of a model repository's folders. */
function modelsFlag({ models }: Result): string[] {
  const flag = `--models ${models.map(({ name }) => name).join(',')}`
  const plain = models.length > 0 && models.every(({ name }) => /^[\w.-]+$/.test(name))
  return plain && flag.length <= maxModelsFlagLength ? [flag] : []
}

function referenceFlag({ reference }: Result): string[] {
  if (reference === null) return []
  const { commit, description } = reference
  // What has no commit is a folder, and is described by its path.
  if (commit === null) return quoted([`--reference-repository ${description}`])
  return /^[0-9a-f]{7,64}$/.test(commit) ? [`--reference ${commit}`] : []
}

/** A baseline that was there, by its path, or under a name of its own and whence to get it. */
function storedFile(
  name: string,
  file: string,
  status: BaselineStatus | undefined,
): { readonly flag: string; readonly from: string | null }[] {
  if (status?.status !== 'found' && status?.status !== 'incompatible') return []
  const { source, file: path } = status
  const given = path === undefined ? null : shellFlag(`${name} ${path}`)
  if (given !== null) return [{ flag: given, from: null }]
  return [{ flag: `${name} ${file}`, from: `baseline.json of ${source} as ${file}` }]
}
