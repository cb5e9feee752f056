import { expect, test } from 'vitest'
import { best, c8, modelResult, scenario } from '../../test/support/result-parts.ts'
import type { Load } from '../domain/load.ts'
import { together } from '../domain/load.ts'
import type { Best, ModelResult } from '../domain/result.ts'
import { bestSection } from './best-rows.ts'

const committed = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: false }
const { committed: _, ...fields } = committed
const larger = { ...fields, instanceCount: 3 }
const names = ['a', 'b', 'c']
const loads = together(names.map((model) => ({ model, load: c8 })))

/** Three models at once, of which those that are named have another configuration. */
function models(changed: readonly string[], change: Partial<Best> = {}): ModelResult[] {
  return names.map((name, index) => {
    const load = loads[index] ?? c8
    const own = changed.includes(name) ? larger : fields
    const others = Object.fromEntries(changed.filter((each) => each !== name).map((each) => [each, larger]))
    const configuration = {
      committed: changed.length === 0,
      ...own,
      ...(changed.length === 0 ? {} : { others }),
    }
    const patch = changed.includes(name) ? `--- a/${name}/config.pbtxt\n` : null
    return modelResult(name, {
      scenarios: [scenario(load, { inferPerSec: 100, p99Ms: 9 }, { configuration: committed })],
      best: best({ configuration, load, gain: 0.1, patch, ...change }),
    })
  })
}

const headlines = (all: readonly ModelResult[]) => all.map((model) => bestSection(model, all)?.headline)

test('of models at once each headline names the patches of all that belong together', () => {
  const all = models(['a', 'c'])
  const [a, b] = headlines(all)
  expect(a).toMatch(
    /^In one combination with b and c \(best-config\/a\.patch and best-config\/c\.patch, all or none\): 3 instances, max batch size 4, dynamic batching off at concurrency 8 beside /,
  )
  expect(a).toMatch(/ \(10\.0 % better than with the committed configurations\)$/)
  expect(b).toMatch(
    /^In one combination with a and c \(best-config\/.*\): as committed, 1 instance, max batch size 4, dynamic batching off at /,
  )
  expect(bestSection(all[1] as ModelResult, all)?.sentences).toContainEqual(
    expect.stringContaining('git apply takes them together'),
  )
  expect(headlines(models(['a']))[1]).toMatch(/^In one combination with a and c \(best-config\/a\.patch\): /)
})

test('a patch that could not be written is not named', () => {
  expect(headlines(models(['a'], { patch: null }))[0]).toMatch(
    /^In one combination with b and c: 3 instances/,
  )
})

test('a miss, a tie and the committed ones are said to be those of the combination', () => {
  const first = (change: Partial<Best>, changed = ['a']) => headlines(models(changed, change))[0]
  expect(first({ meetsConstraints: false, gain: null })).toMatch(
    /^No measured combination with b and c meets the constraints of every model; nearest is 3 instances/,
  )
  expect(first({ tie: true }, [])).toMatch(/^No measured combination with b and c is better beyond the noise/)
  expect(first({}, [])).toMatch(
    /^The committed configurations are the best measured combination with b and c: /,
  )
})

test('of a committed configuration that is best only what its headline does not say stands beside it', () => {
  const sentencesOf = (explanation: string) => {
    const answer = best({ configuration: committed, load: c8, gain: 0, patch: null, explanation })
    const model = modelResult('a', { best: answer })
    return bestSection(model, [model])?.sentences
  }
  expect(sentencesOf('Nothing else that was measured is better.')).toEqual([])
  const refuted = 'By its mean 3 instances at concurrency 8 is better, but it missed when measured again.'
  expect(sentencesOf(refuted)).toEqual([refuted])
})

test('a committed configuration that is best and unsteady is said to be so, alone and beside others', () => {
  const explanation =
    'The committed configuration is unsteady: at concurrency 8 it answered in 1 of 2 measurements.'
  const sentencesAt = (load: Load, gain: number | null) => {
    const answer = best({ configuration: committed, load, gain, patch: null, explanation })
    const model = modelResult('a', { best: answer })
    return bestSection(model, [model])?.sentences
  }
  const beside = { ...c8, beside: [{ model: 'b', load: c8 }] }
  expect(sentencesAt(c8, null)).toEqual([explanation])
  expect(sentencesAt(beside, null)).toEqual([explanation])
  expect(sentencesAt(beside, 0)).toEqual([])
})
