/**
 * Hosts that have artifacts of the version that `@actions/artifact` speaks are github.com and, with data residency,
 * `*.ghe.com`; `*.localhost` is GitHub's own development. The client's rule, which it does not export.
 */
export function isEnterpriseServer(serverUrl = 'https://github.com'): boolean {
  const host = new URL(serverUrl).hostname.toLowerCase()
  return host !== 'github.com' && !host.endsWith('.ghe.com') && !host.endsWith('.localhost')
}

export const noArtifacts = 'GitHub Enterprise Server has no artifacts of this version'
