// npm run bench [-- PART…] [--rounds N]: the benchmarks, one after the other; keeps what they find in bench/RESULTS.md.
// `point` is all parts `point-…`, each a few minutes.
// Ends with 1 where a target is missed or a part could not run.
import { parseArgs } from 'node:util'
import { messageOf } from '../src/domain/error.ts'
import { benchDecide } from './decide.ts'
import { benchGpu } from './gpu.ts'
import { benchLoad } from './load.ts'
import type { BenchPart } from './part.ts'
import { benchPoint, pointModels } from './point.ts'
import { keepResult } from './results.ts'
import { benchSearch } from './search.ts'

interface Part {
  readonly run: (rounds: number) => Promise<BenchPart>
  readonly rounds: number
}

const parts: Readonly<Record<string, Part>> = {
  // What a target's interval is made from; below twenty it is wide on a machine that others use.
  load: { run: benchLoad, rounds: 20 },
  // A process takes ten seconds, most of it to read the files.
  decide: { run: benchDecide, rounds: 3 },
  // A round takes three minutes, and Model Analyzer eight more once.
  search: { run: benchSearch, rounds: 2 },
  // Cannot run on a machine without a GPU; six minutes on one with.
  gpu: { run: benchGpu, rounds: 1 },
  // perf_analyzer takes 18 s or more for each, and 60 s on a busy machine.
  ...Object.fromEntries(
    pointModels.map((model) => [
      `point-${model}`,
      { run: (rounds: number) => benchPoint(model, rounds), rounds: 5 },
    ]),
  ),
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string' } } })
const partsOf = (name: string) =>
  Object.keys(parts).filter((key) => key === name || key.startsWith(`${name}-`))
const names = positionals.length > 0 ? positionals.flatMap(partsOf) : Object.keys(parts)
const unknown = positionals.filter((name) => partsOf(name).length === 0)
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
if (unknown.length > 0 || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))) {
  console.error(`usage: npm run bench -- [${Object.keys(parts).join('|')} …] [--rounds N]`)
  process.exit(2)
}

for (const name of names) {
  const part = parts[name]
  if (part === undefined) continue
  try {
    const result = await part.run(rounds ?? part.rounds)
    console.log(`\n## ${result.title}\n\n${result.markdown}`)
    // A trial run must not stand in the file as if it were the benchmark.
    if (rounds === undefined || rounds >= part.rounds) keepResult(result)
    if (!result.passed) process.exitCode = 1
  } catch (error) {
    console.error(`bench ${name}: ${messageOf(error)}`)
    process.exitCode = 1
  }
}
