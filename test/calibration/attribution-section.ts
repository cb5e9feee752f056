import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One gate decision on a model with a planted cause. */
export interface PlantedRun {
  readonly date: string
  readonly planted: 'config' | 'code' | 'both'
  /** How many times as long a request takes. */
  readonly worse: number
  readonly verdict: string
  /** What the attribution named; null where nothing was confirmed, so that nothing was attributed. */
  readonly named: string | null
  /** The most of the CPU time that went to other processes in a repetition. */
  readonly otherCpuRatio: number
  readonly seconds: number
}

export const runsFile = (root: string) => join(root, 'test/calibration/attribution.json')

export function readRuns(root: string): readonly PlantedRun[] {
  return existsSync(runsFile(root))
    ? (JSON.parse(readFileSync(runsFile(root), 'utf8')) as readonly PlantedRun[])
    : []
}

const heading = '## Attribution: is the planted cause named?'

/** The page with this section at its end, in place of an older one. */
export function withAttribution(page: string, runs: readonly PlantedRun[]): string {
  if (runs.length === 0) return page
  const start = page.indexOf(heading)
  const next = page.indexOf('\n## ', start + heading.length)
  const rest = start < 0 ? page : page.slice(0, start) + (next < 0 ? '' : page.slice(next + 1))
  return `${rest.trimEnd()}\n\n${attributionSection(runs)}`
}

function attributionSection(runs: readonly PlantedRun[]): string {
  const attributed = runs.filter(({ named }) => named !== null)
  const right = (list: readonly PlantedRun[]) => list.filter(({ planted, named }) => planted === named).length
  const rows = (['config', 'code', 'both'] as const).map((kind) => {
    const own = attributed.filter(({ planted }) => planted === kind)
    const wrong = own.filter(({ named }) => named !== kind).map(({ named }) => named)
    const all = runs.filter(({ planted }) => planted === kind)
    return `| ${kind} | ${all.length} | ${own.length} | ${right(own)} | ${wrong.join(', ') || '–'} |`
  })
  const dates = runs.map(({ date }) => date).toSorted()
  const effects = runs.map(({ worse }) => Math.round((worse - 1) * 100))
  const seconds = runs.map((run) => run.seconds).toSorted((a, b) => a - b)
  const busiest = Math.max(...runs.map(({ otherCpuRatio }) => otherCpuRatio))
  return `${heading}

Real gate decisions on the embedded Triton, \`npm run calibrate -- --attribution\`, ${dates[0]} to ${dates.at(-1)}: a model that
sleeps 20 ms, under concurrency 2, made slower by ${Math.min(...effects)} to ${Math.max(...effects)} %: by a parameter of its config.pbtxt, by its code, or half and half.
Where one is the cause the other changed too, to no effect. Four or eight repetitions on each side; other processes took up to
${Math.round(busiest * 100)} % of the CPU time. A decision with its attribution took ${seconds[Math.floor(seconds.length / 2)]} s (median).

| planted | runs | confirmed | named rightly | named otherwise |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Named rightly: ${right(attributed)} of ${attributed.length}. With a true rate p so many or more are seen in one of twenty series only where
p is ${(lowerBound(right(attributed), attributed.length) * 100).toFixed(0)} % (one-sided Clopper–Pearson bound, 95 %).
`
}

/** The p for which k or more of n have a probability of 5 %. */
function lowerBound(k: number, n: number): number {
  if (k === 0) return 0
  const atLeast = (p: number) => {
    let [sum, term] = [0, (1 - p) ** n]
    for (let i = 0; i <= n; i++) {
      if (i >= k) sum += term
      term *= ((n - i) / (i + 1)) * (p / (1 - p))
    }
    return sum
  }
  let [low, high] = [0, 1 - 1e-12]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (atLeast(middle) < 0.05) low = middle
    else high = middle
  }
  return low
}
