import type { Problem } from '../domain/error.ts'

/** For one file and for all requests together: what is sent again and again lies in memory here and in the load thread. */
export const maxDataBytes = 256 * 1024 * 1024

/** A file whose every step is wrong in the same way is told by some of them. */
const maxProblems = 20

export function boundProblems(problems: readonly Problem[]): Problem[] {
  const more = problems.length - maxProblems
  if (more <= 0) return [...problems]
  return [...problems.slice(0, maxProblems), { message: `and ${more} more problems` }]
}
