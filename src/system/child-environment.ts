/**
 * What a child process must not see: a model's Python code runs with the server's environment, and on a
 * pull request that code is not trusted. The GITHUB_* files would let it set variables of later steps.
 */
const hidden = [
  /^ACTIONS_/,
  /^INPUT_/,
  /^GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$/,
  /(^|_)(TOKEN|PAT|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i,
  /(^|_)(API|ACCESS|PRIVATE|SECRET|SIGNING|ACCOUNT)_KEY$/i,
]

type Environment = Readonly<Record<string, string | undefined>>

/** `env` without credentials and the runner's own channels; `additions` win, and undefined there removes. */
export function childEnvironment(env: Environment, additions: Environment = {}): Record<string, string> {
  const inherited = Object.entries(env).filter(([name]) => !hidden.some((pattern) => pattern.test(name)))
  const result: Record<string, string> = {}
  for (const [name, value] of [...inherited, ...Object.entries(additions)]) {
    if (value === undefined) delete result[name]
    else result[name] = value
  }
  return result
}
