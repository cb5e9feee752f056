import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import {
  makeBaseline,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { issuesOf } from './issues.ts'
import { baselineSchema, maxHistoryPoints, measurementsSchema } from './measurements.ts'

const models = ['a', 'b'].map((name) =>
  makeModel(name, [makeScenario([makeRepetition(0, { latencyP99Ns: 40e6, inferPerSec: 300 })])]),
)
const files: readonly [z.ZodType, object][] = [
  [measurementsSchema, makeMeasurements(models, models)],
  [measurementsSchema, makeMeasurements(models)],
  [baselineSchema, makeBaseline(models, { history: [makePoint(), makePoint({ commit: 'c' })] })],
]

/** The paths of all that a value holds, the keys of lists included. */
function pathsOf(value: unknown, at: readonly PropertyKey[] = []): (readonly PropertyKey[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...at, key]))]
}

/** A copy with something else at a path. */
function withAt(value: unknown, [key, ...rest]: readonly PropertyKey[], replacement: unknown): unknown {
  if (key === undefined) return replacement
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<PropertyKey, unknown>
  copy[key] = withAt(copy[key], rest, replacement)
  return copy
}

const said = (issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]) =>
  issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).sort()

test('item by item it finds what the schema finds as a whole, of whatever is wrong wherever', {
  timeout: 60_000,
}, () => {
  const broken = fc
    .constantFrom(...files)
    .chain(([schema, file]) =>
      fc
        .tuple(
          fc.constantFrom(...pathsOf(file)),
          fc.constantFrom<unknown>(undefined, null, 'x', -1, Number.POSITIVE_INFINITY, [], {}, { extra: 1 }, [
            null,
          ]),
        )
        .map(([path, replacement]) => ({ schema, value: withAt(file, path, replacement) })),
    )
  fc.assert(
    fc.property(broken, ({ schema, value }) => {
      expect(said(issuesOf(schema, value))).toEqual(said(schema.safeParse(value).error?.issues ?? []))
    }),
    { numRuns: 200 },
  )
})

test('what fits has nothing against it, and a list that is too long is told as one', {
  timeout: 60_000,
}, () => {
  for (const [schema, file] of files) expect(issuesOf(schema, file)).toEqual([])
  const point = makePoint()
  const history = Array.from({ length: maxHistoryPoints + 1 }, () => point)
  expect(said(issuesOf(baselineSchema, makeBaseline(models, { history })))).toEqual([
    expect.stringMatching(/^history: Too big/),
  ])
})
