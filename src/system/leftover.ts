import { rmSync } from 'node:fs'

/** Removes what a process that is dead has left behind. What is another user's stays: it is in nobody's way. */
export function removeLeftover(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // Not ours to remove.
  }
}
