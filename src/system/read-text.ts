import { readFileSync } from 'node:fs'

/** A file that may not be there: of /proc and /sys on another kernel, of a process that has ended; null where it cannot be read. */
export function readTextIfAny(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
