import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'
import { compareModels } from '../../src/compare/compare.ts'
import { createRandom } from '../../src/stats/random.ts'
import { type Noise, noises } from './noise.ts'
import { baselineReport, referenceReport } from './simulation.ts'

const root = join(import.meta.dirname, '../..')

/** Where a comparison becomes a status, and what makes the noise. */
const decisive = [
  'src/compare/judge.ts',
  'src/compare/against-reference.ts',
  'src/compare/against-baseline.ts',
  'test/calibration/noise.ts',
  'test/calibration/simulation.ts',
]

/** Of what they import, the rooms in which numbers become decisions. */
const rooms = /^src\/(?:compare|stats)\//
/** A footnote and no status comes of it. */
const beside = ['src/stats/sign-flip.ts']

/** The files that a simulated decision comes from: `decisive` and all that they import in the two rooms. */
export function decidingFiles(): string[] {
  const found = new Set(decisive)
  for (const file of found) {
    for (const imported of importsOf(file)) {
      if (rooms.test(imported) && !beside.includes(imported)) found.add(imported)
    }
  }
  return [...found].sort()
}

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(code(file))
  return importedFiles.flatMap(({ fileName }) =>
    fileName.startsWith('.') ? [normalize(join(dirname(file), fileName))] : [],
  )
}

/** What runs: without comments and types, so that words about the code make no result stale. */
function code(file: string): string {
  const text = readFileSync(join(root, file), 'utf8')
  const options = { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(text, { compilerOptions: options, fileName: file }).outputText
}

/**
 * What simulated results hold for: the code that decides, and, since the rest of the comparison could change a decision too,
 * every number of a few reports as it comes out of the whole comparison. Changes elsewhere leave the results as they are.
 */
export function codeKey(): string {
  const hash = createHash('sha256')
  for (const file of decidingFiles()) hash.update(`${file}\n${code(file)}`)
  for (const noise of Object.keys(noises) as Noise[]) {
    const random = createRandom(1)
    const scene = { noise, models: 5, sd: 0.03 } as const
    const reports = [
      referenceReport({ ...scene, repetitions: 14, change: 'within' }, random),
      referenceReport({ ...scene, repetitions: 14, change: { p99: 0.1, throughput: 0.1 } }, random),
      baselineReport({ ...scene, worse: 0.4 }, 10, random),
    ]
    for (const report of reports) {
      const rows = compareModels(report.input).models.flatMap(({ comparisons }) => comparisons)
      hash.update(
        JSON.stringify(rows.filter(({ primary }) => primary).map(({ footnotes: _, ...row }) => row)),
      )
    }
  }
  return hash.digest('hex').slice(0, 16)
}
