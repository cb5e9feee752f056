// Every fault through the program's own functions, from the files to the exit code: none is a pass. docs/fail-closed.md is
// made from what they say, and compared with it here.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { findBaseline } from '../../src/action/find-baseline.ts'
import { matchBaseline } from '../../src/baseline/find.ts'
import { compare } from '../../src/cli/compare.ts'
import { configFrom } from '../../src/cli/gate-options.ts'
import type { Shell } from '../../src/cli/shell.ts'
import { asGateError, describeError, exitCodes } from '../../src/domain/error.ts'
import type { Measurements } from '../../src/domain/measurements.ts'
import { type Result, resultSchema } from '../../src/domain/result.ts'
import { judge } from '../../src/judge.ts'
import { reportRows } from '../../src/report/rows.ts'
import type { Fault, Files } from '../support/faults/fault.ts'
import { faults, soundFiles } from '../support/faults/faults.ts'
import { searchOptions } from '../support/github/run-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'tpg-fail-closed-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Met {
  readonly outcome: string
  readonly exitCode: number
  readonly says: string
  readonly next: string
}

function write(file: string, content: object | string | Uint8Array | null): void {
  rmSync(join(folder, file), { recursive: true, force: true })
  if (content === null) return
  const raw = typeof content === 'string' || content instanceof Uint8Array
  writeFileSync(join(folder, file), raw ? content : JSON.stringify(content))
}

/** What the program makes of these files. */
async function meet({
  files = {},
  options = {},
  search,
  special,
  act,
}: Omit<Fault, 'name' | 'met'>): Promise<Met> {
  const { measurements, baseline, config, newest }: Files = { ...soundFiles, ...files }
  write('measurements.json', measurements)
  write('baseline.json', baseline)
  write('triton-perf-gate.yml', config)
  write('newest.json', newest)
  if (special === 'folder') {
    write('baseline.json', null)
    mkdirSync(join(folder, 'baseline.json'))
  }
  if (special === 'hugeFile') truncateSync(join(folder, 'baseline.json'), 64 * 2 ** 20 + 1)
  let printed = ''
  const shell: Shell = {
    signal: new AbortController().signal,
    out: (text) => {
      printed += text
    },
    err: () => undefined,
    cwd: folder,
  }
  try {
    if (act !== undefined) {
      await act(folder)
      throw new Error('it was let through')
    }
    if (search !== undefined) {
      const opened = await findBaseline(search.store, { ...searchOptions, ...search.change }, () => undefined)
      const own = measurements as Measurements
      const { status, baseline: found } = matchBaseline(opened, own.environment)
      const judged = { measurements: own, baseline: found, baselineStatus: status, mode: 'gate' as const }
      return metBy(judge({ ...judged, config: await configFrom(shell, options) }))
    }
    const exitCode = await compare(shell, {
      measurements: join(folder, 'measurements.json'),
      ...(baseline === null ? {} : { baseline: 'baseline.json' }),
      output: 'out',
      json: true,
      ...options,
    })
    const met = metBy(resultSchema.parse(JSON.parse(printed)))
    expect(exitCode).toBe(met.exitCode)
    return met
  } catch (error) {
    const gateError = asGateError(error)
    expect(gateError.code, describeError(gateError)).not.toBe('internal')
    const [problem] = gateError.problems
    return {
      outcome: 'error',
      exitCode: gateError.exitCode,
      says: [gateError.message, ...(problem === undefined ? [] : [problem.message])].join(': '),
      next: gateError.hint ?? problem?.remedy ?? '',
    }
  }
}

function metBy(result: Result): Met {
  const { verdict, baseline } = result
  const [first] = verdict.reasons
  // A view shows it above all reasons.
  const [notice] = reportRows(result).notices
  const passedOver = baseline.status === 'absent' ? baseline.passedOver?.[0] : undefined
  const said = verdict.outcome === 'pass' ? (notice ?? first?.message) : first?.message
  return {
    outcome: verdict.outcome,
    exitCode: verdict.exitCode,
    says: [said ?? '', ...(passedOver === undefined ? [] : [`Passed over: ${passedOver}.`])].join(' '),
    next: first?.next ?? '',
  }
}

const exitCodeOf = ({ options }: Fault): Readonly<Record<Fault['met'], number>> => ({
  pass: exitCodes.pass,
  // By default an inconclusive report warns, and a release fails.
  inconclusive: options?.release === true ? exitCodes.inconclusive : exitCodes.pass,
  fail: exitCodes.fail,
  invalid: exitCodes.environment,
  'error 2': exitCodes.usage,
  'error 3': exitCodes.environment,
})

test('nothing wrong is a pass: the table could not tell otherwise', async () => {
  expect(await meet({})).toMatchObject({ outcome: 'pass', exitCode: 0 })
  expect(await meet({ options: { release: true } })).toMatchObject({ outcome: 'pass', exitCode: 0 })
})

const all = Object.entries(faults).flatMap(([group, list]) => list.map((fault) => ({ group, ...fault })))

test('there are at least forty faults, each named once', () => {
  expect(all.filter(({ met }) => met !== 'pass').length).toBeGreaterThanOrEqual(40)
  expect(new Set(all.map(({ group, name }) => `${group}: ${name}`)).size).toBe(all.length)
})

describe('each fault has its outcome, says what is wrong, and what to do next', () => {
  const seen = new Map<Fault, Met>()
  const lists = Object.values(faults).flat()

  test.each(lists.map((fault) => [fault.name, fault] as const))('%s', async (_, fault) => {
    const met = await meet(fault)
    seen.set(fault, met)
    expect(`${met.outcome}${met.outcome === 'error' ? ` ${met.exitCode}` : ''}`, met.says).toBe(fault.met)
    expect(met.exitCode).toBe(exitCodeOf(fault)[fault.met])
    expect(met.says).not.toMatch(/undefined|\bNaN\b.*%|\[object/)
    if (fault.met === 'pass') return
    expect(met.says.length).toBeGreaterThan(10)
    expect(met.next.length).toBeGreaterThan(10)
  })

  test.each(lists.filter(({ met }) => met !== 'pass').map((fault) => [fault.name, fault] as const))(
    'a release is not let through: %s',
    async (_, fault) => {
      const options = { ...fault.options, release: true }
      expect((await meet({ ...fault, options })).exitCode).toBeGreaterThan(0)
    },
  )

  test('docs/fail-closed.md says the same', () => {
    expect(seen.size).toBe(lists.length)
    const path = join(import.meta.dirname, '../../docs/fail-closed.md')
    const actual = page(seen)
    if (process.env.UPDATE_GOLDENS === '1') writeFileSync(path, actual)
    expect(actual).toBe(readFileSync(path, 'utf8'))
  })
})

function page(seen: ReadonlyMap<Fault, Met>): string {
  const text = (words: string) => words.replaceAll(`${folder}/`, '').replaceAll(/([|<>])/g, '\\$1')
  const sections = Object.entries(faults).map(([group, list]) => {
    const rows = list.map((fault) => {
      const { outcome, exitCode, says, next } = seen.get(fault) ?? {
        outcome: '',
        exitCode: 0,
        says: '',
        next: '',
      }
      const flags = fault.options?.release === true ? ' (`--release`)' : ''
      return `| ${fault.name}${flags} | ${outcome} | ${exitCode} | ${text(says)} | ${text(next)} |`
    })
    return [
      `## ${group}`,
      '',
      '| fault | outcome | exit code | it says | next step |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n')
  })
  return [head, ...sections, ''].join('\n\n').replace(/\n+$/, '\n')
}

const head = `# What fails closed

Whatever goes wrong is no pass. Every fault below is put through the program by \`test/golden/fail-closed.test.ts\`, from the files to the
exit code, and this page is made of what it said.

**error** ends before there is a verdict. **invalid** means that measuring or comparing went wrong; no policy makes it green.
**inconclusive** ends with 0 by default, since a pull request should not be blocked by a noisy machine, and with 4 where
\`gate.on_inconclusive\` says \`fail\`; a release (\`--release\`, mode \`release\`) fails on every fault of this page that does not pass.
What passes here is named because one might expect otherwise.`
