import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  makeBaseline,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { history } from './history.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'))
  const repetition = makeRepetition(0, { latencyP99Ns: 40e6, inferPerSec: 300 })
  const points = ['m', 'other'].flatMap((model) =>
    Array.from({ length: 30 }, (_, index) => {
      const level = model === 'm' && index >= 20 ? 1.04 : 1
      const value = 40e6 * level * (1 + ((index * 7) % 5) / 1000)
      return makePoint({
        model,
        commit: `c${String(index).padStart(2, '0')}`,
        createdAt: '2026-01-01T00:00:00Z',
        value,
      })
    }),
  )
  const baseline = makeBaseline([makeModel('m', [makeScenario([repetition])])], { history: points })
  await writeFile(join(folder, 'baseline.json'), JSON.stringify(baseline))
})
afterAll(() => rm(folder, { recursive: true }))

async function run(
  options: { readonly since?: string; readonly models?: string; readonly json?: boolean } = {},
) {
  let printed = ''
  const shell = {
    signal: new AbortController().signal,
    out: (text: string) => {
      printed += text
    },
    err: () => undefined,
    cwd: folder,
  }
  expect(await history(shell, { baseline: 'baseline.json', ...options })).toBe(0)
  return printed
}

test('every series with its level, and the step with the commits between which it lies', async () => {
  const lines = (await run()).split('\n')
  expect(lines[0]).toMatch(
    /^1 of the main branch's series has become worse in the history of the main branch/,
  )
  expect(lines.find((line) => line.startsWith('| `m`'))).toMatch(/30 \|.*\+4\.0 %.*c19 … c20/)
  expect(lines.find((line) => line.startsWith('| `other`'))).toMatch(/none seen/)
})

test('only one model, only since a commit, or as data', async () => {
  expect(await run({ models: 'other' })).not.toContain('`m`')
  expect(await run({ since: 'c25' })).toMatch(/^Nothing has crept since c25/)
  const { since, series } = JSON.parse(
    await run({ json: true, since: 'c2', models: 'm' }).catch(() => '{}'),
  ) as {
    since?: string
    series?: unknown[]
  }
  // c2 begins ten commits: none is meant.
  expect([since, series]).toEqual([undefined, undefined])
  expect(JSON.parse(await run({ json: true, since: 'c25' }))).toMatchObject({
    since: 'c25',
    series: [{}, {}],
  })
})

test('a commit that the history does not know is an error, not the whole history', async () => {
  await expect(run({ since: 'abc' })).rejects.toThrow(/no run of the history/)
  await expect(run({ since: 'c1' })).rejects.toThrow(/several runs of the history/)
})
