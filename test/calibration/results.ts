import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeHost } from '../../src/system/environment.ts'
import { codeKey, type Part } from './code-key.ts'
import type { Tally } from './tally.ts'

interface Results {
  /** Of the code that they were made with: `codeKey`. */
  readonly version: string
  readonly machine: string
  /** When the latest one was made. */
  date: string
  readonly tallies: Record<string, Tally>
  readonly values: Record<string, unknown>
}

/** What was simulated, kept in a file so that a run that was stopped goes on where it was. */
export interface ResultsFile {
  readonly machine: string
  readonly date: () => string
  /** So many reports of a scene: what the file has of them, and the rest from `simulate`, which gets a seed for each piece. */
  readonly tally: (
    scene: string,
    reports: number,
    simulate: (reports: number, seed: number) => Tally,
  ) => Tally
  /** Any other result by its name. */
  readonly value: <T>(name: string, make: () => T) => T
}

/** A stop loses this much at most: a few seconds of a report of 30 comparisons. */
const piece = 500
const firstSeed = 100

/** Results of other code count for nothing. */
export function openResults(part: Part): ResultsFile {
  const file = join(import.meta.dirname, `results.${part}.json`)
  const version = codeKey(part)
  const stored = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : null
  const { cpuModel, cpuCount, os } = describeHost(null)
  const results: Results =
    stored?.version === version
      ? stored
      : {
          version,
          machine: `${cpuModel}, ${cpuCount} cores, ${os}, Node ${process.version}`,
          date: '',
          tallies: {},
          values: {},
        }
  const save = (what: string) => {
    results.date = new Date().toISOString().slice(0, 10)
    writeFileSync(file, inLines(results))
    console.error(`${new Date().toISOString().slice(11, 19)} ${what}`)
  }
  return {
    machine: results.machine,
    date: () => results.date,
    tally: (scene, reports, simulate) => {
      let sum = results.tallies[scene]
      while ((sum?.reports ?? 0) < reports) {
        const done = sum?.reports ?? 0
        const next = simulate(Math.min(piece, reports - done), firstSeed + done)
        sum = sum === undefined ? next : add(sum, next)
        results.tallies[scene] = sum
        save(`${sum.reports} of ${reports}: ${scene}`)
      }
      return sum as Tally
    },
    value: <T>(name: string, make: () => T): T => {
      if (!Object.hasOwn(results.values, name)) {
        results.values[name] = make()
        save(name)
      }
      return results.values[name] as T
    },
  }
}

/** One line for each result, so that a diff shows which ones changed. */
function inLines({ tallies, values, ...rest }: Results): string {
  const lines = (of: Readonly<Record<string, unknown>>) =>
    Object.entries(of).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
  return `{
${Object.entries(rest)
  .map(([name, value]) => `"${name}": ${JSON.stringify(value)},`)
  .join('\n')}
"tallies": {
${lines(tallies).join(',\n')}
},
"values": {
${lines(values).join(',\n')}
}
}
`
}

function add<T>(a: T, b: T): T {
  if (typeof a === 'number') return (a + (b as number)) as T
  const keys = new Set([...Object.keys(a as object), ...Object.keys(b as object)]) as Set<keyof T>
  const zero = (value: T[keyof T] | undefined, other: T[keyof T]) =>
    value ?? ((typeof other === 'number' ? 0 : {}) as T[keyof T])
  return Object.fromEntries(
    [...keys].map((key) => [key, add(zero(a[key], b[key]), zero(b[key], a[key]))]),
  ) as T
}
