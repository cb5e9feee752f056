import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SequenceIds, type SequencePlan, SequenceSource } from './sequences.ts'

const plan: SequencePlan = {
  idType: 'number',
  firstId: 1,
  ids: 1000,
  length: 20,
  lengthVariation: 0.2,
  live: 4,
  serial: false,
  streams: null,
}
const alone = { index: 0, of: 1 }
const source = (changes: Partial<SequencePlan> = {}, seed = 1, frames = 8) => {
  const own = { ...plan, ...changes }
  return new SequenceSource(own, alone, new SequenceIds(own, alone), frames, seed)
}

test('lengths lie within the variation and reach both ends; the first of a slot may be shorter', () => {
  const made = source()
  const lengths = Array.from({ length: 300 }, () => made.begin(false).length)
  expect(Math.min(...lengths)).toBe(16)
  expect(Math.max(...lengths)).toBe(24)
  const first = source()
  const cut = Array.from({ length: 300 }, () => first.begin(true).length)
  expect(Math.min(...cut)).toBeLessThan(4)
  expect(Math.max(...cut)).toBeGreaterThan(16)
})

test('the same seed makes the same sequences, another seed others', () => {
  const lengths = (seed: number) => {
    const made = source({}, seed)
    return Array.from({ length: 20 }, () => made.begin(false).length)
  }
  expect(lengths(3)).toEqual(lengths(3))
  expect(lengths(3)).not.toEqual(lengths(4))
})

test('streams of input data go round, each sequence as long as its stream and with the frames of it', () => {
  const made = source({ streams: [2, 3], length: null }, 1, 5)
  const frames = Array.from({ length: 3 }, () => {
    const sequence = made.begin(false)
    return Array.from({ length: sequence.length }, (_, n) => sequence.frameOf(n))
  })
  expect(frames).toEqual([
    [0, 1],
    [2, 3, 4],
    [0, 1],
  ])
})

test('ids start where asked, are strings where the model wants strings, and begin again after the last', () => {
  const made = source({ firstId: 7, ids: 2, idType: 'string' })
  const ids = Array.from({ length: 4 }, () => {
    const sequence = made.begin(false)
    sequence.release()
    return sequence.id
  })
  expect(ids).toEqual(['7', '8', '7', '8'])
})

test('an id is never live twice, over all threads; where all are live there is no other', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 4, max: 20 }),
      fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 100 }),
      (of, ids, steps) => {
        const threads = Array.from(
          { length: of },
          (_, index) => new SequenceIds({ ...plan, ids }, { index, of }),
        )
        const live: { id: number; thread: SequenceIds }[] = []
        for (const [pick, release] of steps) {
          const thread = threads[pick % of] as SequenceIds
          const own = live.findIndex((each) => each.thread === thread)
          if (release && own >= 0) {
            const [gone] = live.splice(own, 1)
            if (gone !== undefined) thread.release(gone.id)
            continue
          }
          try {
            live.push({ id: thread.take(), thread })
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        }
        const numbers = live.map(({ id }) => id)
        expect(new Set(numbers).size).toBe(numbers.length)
        expect(numbers.every((id) => id >= 1 && id < 1 + ids)).toBe(true)
      },
    ),
  )
})
