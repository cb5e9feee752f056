import type { World } from '../domain/world.ts'

export interface GitSettings {
  /** The checkout. In a job's container it belongs to another user, and git would not look at it. */
  readonly workspace: string
  /** `https://github.com`; the token goes nowhere else. */
  readonly serverUrl: string
  readonly token: string | null
}

/**
 * `run` that lets git read the checkout whoever owns it, and fetch with the job's token what is missing of the
 * reference (a commit, Git LFS files) where the checkout has kept no credential. Both stand in git's own environment
 * for the time of one process: no file ever holds them, and no other command gets them.
 */
export function withGitSettings(run: World['run'], settings: GitSettings): World['run'] {
  const { workspace, serverUrl, token } = settings
  const safe: Setting = ['safe.directory', workspace]
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  const credential: Setting = [
    `http.${serverUrl.replace(/\/$/, '')}/.extraheader`,
    `AUTHORIZATION: basic ${basic}`,
  ]
  return (command, args, options = {}) => {
    if (command !== 'git') return run(command, args, options)
    const env = environmentOf(token !== null && fetches(args) ? [safe, credential] : [safe])
    return run(command, args, { ...options, env: { ...options.env, ...env } })
  }
}

/** The two things git does here that may need the network; everything else may run after models have. */
function fetches(args: readonly string[]): boolean {
  return args.includes('fetch') || (args.includes('worktree') && args.includes('add'))
}

type Setting = readonly [key: string, value: string]

/** git's own way to be configured for one process (git-config(1), GIT_CONFIG_COUNT). */
function environmentOf(settings: readonly Setting[]): Record<string, string> {
  const pairs = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return Object.fromEntries([['GIT_CONFIG_COUNT', String(settings.length)], ...pairs])
}
