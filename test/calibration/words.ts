import { type Noise, noises } from './noise.ts'
import type { Tally } from './tally.ts'

export const kinds = Object.keys(noises) as Noise[]

export function percent(events: number, of: number): string {
  return `${((100 * events) / of).toFixed(of >= 5000 ? 2 : 1)} %`
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** Share of the changed model's comparisons that passed / were inconclusive / failed. */
export function shares({ changed }: Pick<Tally, 'changed'>): string[] {
  const all = changed.pass + changed.fail + changed.inconclusive
  return [changed.pass, changed.inconclusive, changed.fail].map((count) => percent(count, all))
}

/** The median of shares that were counted by their per mille; NaN of none. */
export function middleOf(counts: Readonly<Record<string, number>>): number {
  const sorted = Object.entries(counts)
    .map(([perMille, count]) => ({ share: Number(perMille) / 1000, count }))
    .sort((a, b) => a.share - b.share)
  let left = sorted.reduce((sum, { count }) => sum + count, 0) / 2
  for (const { share, count } of sorted) {
    left -= count
    if (left <= 0) return share
  }
  return Number.NaN
}
