import { dirname, resolve as resolvePath } from 'node:path'

/** A path in the configuration file is relative to it. */
export function besideConfig(config: string | null, path: string): string {
  return resolvePath(config === null ? '.' : dirname(config), path)
}
