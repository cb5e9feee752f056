import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SearchSettings } from '../config/config.ts'
import { defaultSearch } from '../config/defaults.ts'
import {
  type Configuration,
  configurationKey,
  type VariedFields,
  variedKey,
} from '../domain/configuration.ts'
import { batchSizeOf } from '../domain/load.ts'
import { makeSpace, memberVariants } from './make-space.ts'
import {
  combinations,
  fieldsOf,
  isCombination,
  type Member,
  type Members,
  mostCombinations,
  withLeastBatch,
  withMember,
} from './members.ts'
import { isMember, loadsFor, sizeOf, withMembers } from './space.ts'

const settings: SearchSettings = {
  ...defaultSearch,
  instanceCount: { min: 1, max: 3 },
  modelBatchSize: { min: 1, max: 16 },
  concurrency: { min: 1, max: 8 },
  clientBatchSizes: [1, 2, 8],
}
const top: Configuration = { committed: true, instanceCount: null, maxBatchSize: 4, dynamicBatching: false }

const fields = fc.record({
  instanceCount: fc.integer({ min: 1, max: 4 }),
  maxBatchSize: fc.constantFrom(4, 6, 8),
  dynamicBatching: fc.boolean(),
})

const memberOf = (
  name: string,
  committed: VariedFields,
  change: Partial<SearchSettings> = {},
  batching = true,
): Member => ({
  name,
  committed,
  variants: memberVariants({ ...settings, ...change }, committed, {
    batching,
    instances: true,
    loadsAllowed: true,
  }),
})

/** An ensemble of `inner`, which is an ensemble of the first two, and of the third. */
function nested(varied: readonly Member[]): Members {
  const step = ({ name, committed }: Member) => ({ name, maxBatchSize: committed.maxBatchSize })
  const [a, b, c] = varied as [Member, Member, Member]
  return {
    varied,
    ensembles: [
      { name: 'inner', committed: top, steps: [step(a), step(b)] },
      { name: 'outer', committed: top, steps: [{ name: 'inner', maxBatchSize: 4 }, step(c)] },
    ],
    top: 'outer',
    committed: top,
    largestClientBatch: 8,
  }
}

const trio = fc
  .tuple(fields, fields, fields)
  .map(([a, b, c]) => nested([memberOf('a', a), memberOf('b', b), memberOf('c', c)]))
const chosen = fc
  .tuple(trio, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 6 }))
  .map(([members, moves]) => ({
    members,
    configuration: moves.reduce((made, [which, choice]) => {
      const member = members.varied[which % 3] as Member
      const variant = member.variants[choice % member.variants.length] as VariedFields
      return withMember(members, made, member, variant)
    }, top),
  }))

test('no ensemble takes more than its steps, and no request is larger than any of them takes', () => {
  fc.assert(
    fc.property(chosen, ({ members, configuration }) => {
      const space = withMembers(makeSpace(settings, top, traits), members, 'quick')
      const inner = configuration.others?.inner?.maxBatchSize ?? top.maxBatchSize
      const sizes = members.varied.map((member) => fieldsOf(member, configuration).maxBatchSize)
      const [a = 0, b = 0, c = 0] = sizes
      const { others = {} } = configuration
      expect(inner).toBe(others.a === undefined && others.b === undefined ? 4 : Math.min(a, b, 8))
      const isVaried = others.inner !== undefined || others.c !== undefined
      expect(configuration.maxBatchSize).toBe(isVaried ? Math.min(inner, c, 8) : 4)
      expect(configuration.instanceCount).toBeNull()
      expect(configuration.dynamicBatching).toBe(false)
      expect(configuration.others?.inner?.instanceCount ?? null).toBeNull()
      for (const load of loadsFor(space, configuration)) {
        for (const size of [inner, configuration.maxBatchSize, ...sizes])
          expect(batchSizeOf(load)).toBeLessThanOrEqual(size)
      }
    }),
  )
})
const traits = { batching: false, instances: false, loadsAllowed: true }

test('whatever a search proposes is a member of its space, and is committed only if it is what the repository holds', () => {
  fc.assert(
    fc.property(chosen, ({ members, configuration }) => {
      const space = withMembers(makeSpace(settings, top, traits), members, 'quick')
      expect(isMember(space, configuration)).toBe(true)
      expect(isCombination(members, configuration)).toBe(true)
      expect(configuration.committed).toBe(configurationKey(configuration) === configurationKey(top))
      for (const member of members.varied) {
        const { preferredBatchSizes = [], ...own } = fieldsOf(member, configuration)
        expect(preferredBatchSizes.every((size) => size <= own.maxBatchSize)).toBe(true)
        expect(own.instanceCount).not.toBeNull()
      }
      const foreign = { instanceCount: 9, maxBatchSize: 8, dynamicBatching: true }
      expect(isMember(space, { ...configuration, others: { ...configuration.others, a: foreign } })).toBe(
        false,
      )
      expect(isMember(space, { ...configuration, others: { ...configuration.others, x: foreign } })).toBe(
        false,
      )
    }),
  )
})

test('an ensemble is not raised above what a client batch needs', () => {
  const one = memberOf('a', { instanceCount: 1, maxBatchSize: 4, dynamicBatching: false })
  const [large] = one.variants.filter(({ maxBatchSize }) => maxBatchSize === 16)
  const steps = [{ name: 'a', maxBatchSize: 4 }]
  const members: Members = {
    varied: [one],
    ensembles: [{ name: 'top', committed: top, steps }],
    top: 'top',
    committed: top,
    largestClientBatch: 1,
  }
  const at = (largestClientBatch: number) =>
    withMember({ ...members, largestClientBatch }, top, one, large as VariedFields).maxBatchSize
  expect([at(1), at(8), at(64)]).toEqual([4, 8, 16])
  // A step whose max_batch_size is not known stays under what it takes now.
  const unknown = { ...members, largestClientBatch: 8 }
  const beside = [{ name: 'top', committed: top, steps: [...steps, { name: 'b', maxBatchSize: null }] }]
  expect(withMember({ ...unknown, ensembles: beside }, top, one, large as VariedFields).maxBatchSize).toBe(4)
  // Without a batch dimension an ensemble keeps none.
  const flat = { ...top, maxBatchSize: 0 }
  const none = { ...unknown, committed: flat, ensembles: [{ name: 'top', committed: flat, steps }] }
  expect(withMember(none, flat, one, large as VariedFields).maxBatchSize).toBe(0)
})

test('what sends batches of its own keeps what it may send', () => {
  const own: VariedFields = { instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
  const of = (least: number, change: Partial<SearchSettings> = {}) =>
    memberVariants(withLeastBatch({ ...settings, ...change }, least), own, {
      batching: true,
      instances: true,
      loadsAllowed: true,
    }).map(({ maxBatchSize }) => maxBatchSize)
  expect(Math.min(...of(0))).toBe(1)
  expect(Math.min(...of(4))).toBe(4)
  expect(Math.max(...of(4))).toBe(16)
  expect(new Set(of(4, { maxBatchSizes: [2] }))).toEqual(new Set([4, 2]))
})

test('a model without a batcher, or in manual mode without a list, varies what is left', () => {
  const single = memberOf('a', { instanceCount: 2, maxBatchSize: 0, dynamicBatching: false }, {}, false)
  expect(single.variants.map(({ instanceCount }) => instanceCount)).toEqual([2, 1, 3])
  const manual = memberOf('a', single.committed, { mode: 'manual' }, false)
  expect(manual.variants).toEqual([single.committed])
  const space = makeSpace(settings, top, traits)
  const members = nested([manual, { ...manual, name: 'b' }, { ...manual, name: 'c' }])
  // Nothing to be varied: the space is that of the ensemble alone.
  expect(withMembers(space, members, 'manual')).toBe(space)
})

test('brute and manual go through the combinations in order, as many as anybody can measure', () => {
  const own: VariedFields = { instanceCount: 1, maxBatchSize: 4, dynamicBatching: true }
  const listed = (name: string) =>
    memberOf(name, own, { mode: 'manual', instanceCounts: [1, 2], maxBatchSizes: [4] })
  const space = withMembers(
    makeSpace(settings, top, traits),
    nested([listed('a'), listed('b'), listed('c')]),
    'manual',
  )
  expect(space.configurations).toHaveLength(8)
  expect(new Set(space.configurations.map(configurationKey)).size).toBe(8)
  expect(space.configurations[0]).toEqual(top)
  expect(sizeOf(space)).toBe(8)

  const all = nested([memberOf('a', own), memberOf('b', own), memberOf('c', own)])
  const many = withMembers(makeSpace(settings, top, traits), all, 'brute')
  expect(many.configurations).toHaveLength(mostCombinations)
  expect(sizeOf(many)).toBe(all.varied.reduce((product, { variants }) => product * variants.length, 1))
  expect(new Set(many.configurations.map(configurationKey)).size).toBe(mostCombinations)
})

test('the variants of a member stand there once, the committed one first', () => {
  fc.assert(
    fc.property(fields, (own) => {
      const { variants } = memberOf('a', own)
      expect(variants[0]).toEqual(own)
      expect(new Set(variants.map(variedKey)).size).toBe(variants.length)
    }),
  )
})

test('a model whose code calls others has its own dimension beside theirs', () => {
  const caller: Configuration = { committed: true, instanceCount: 1, maxBatchSize: 4, dynamicBatching: false }
  const called = memberOf('called', { instanceCount: 1, maxBatchSize: 4, dynamicBatching: false })
  const members: Members = {
    varied: [called],
    ensembles: [],
    top: 'caller',
    committed: caller,
    largestClientBatch: 1,
  }
  const own = makeSpace(settings, caller, { batching: true, instances: true, loadsAllowed: true })
  const quick = withMembers(own, members, 'quick')
  expect(quick.configurations).toEqual(own.configurations)
  expect(sizeOf(quick)).toBe(own.configurations.length * called.variants.length)
  expect(combinations(members, own.configurations)).toHaveLength(sizeOf(quick))
  const both = withMember(members, own.configurations.at(-1) as Configuration, called, {
    instanceCount: 3,
    maxBatchSize: 8,
    dynamicBatching: true,
  })
  expect(isMember(quick, both)).toBe(true)
  expect(isMember(quick, { ...both, instanceCount: 7 })).toBe(false)
})
