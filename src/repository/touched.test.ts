import fc from 'fast-check'
import { expect, test } from 'vitest'
import { whyTouched } from './touched.ts'

const input = { prefix: 'models', watched: ['triton-perf-gate.yml', 'data'], needed: new Set(['ocr', 'pre']) }

test.each<[string, string | null]>([
  ['models/ocr/config.pbtxt', 'ocr is changed'],
  ['models/pre/1/model.py', 'pre is changed'],
  ['models/other/1/model.py', null],
  ['models/ocr2/1/model.py', null],
  ['models/README.md', 'models/README.md is changed, which belongs to no model and may matter to every one'],
  ['triton-perf-gate.yml', 'triton-perf-gate.yml is changed, which may matter to every model'],
  ['data/input.json', 'data/input.json is changed, which may matter to every model'],
  ['data2/input.json', null],
  ['README.md', null],
  ['src/models/ocr/config.pbtxt', null],
])('%s: %s', (path, why) => {
  expect(whyTouched({ ...input, changed: [path] })).toBe(why)
})

test('where every model is gated, each of them counts', () => {
  expect(whyTouched({ ...input, needed: null, changed: ['models/other/x'] })).toBe('other is changed')
})

test('a repository that is a model repository as a whole has nothing outside', () => {
  expect(whyTouched({ ...input, prefix: '', changed: ['ocr/1/model.py'] })).toBe('ocr is changed')
  expect(whyTouched({ ...input, prefix: '', changed: ['README.md'] })).toMatch(/belongs to no model/)
})

test('among whatever else is changed, a gated model is seen', () => {
  const path = fc.array(fc.constantFrom('models', 'ocr', 'other', 'x.py', 'data2'), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(fc.array(path), fc.nat(), (paths, at) => {
      const changed = paths.map((parts) => parts.join('/'))
      changed.splice(at % (changed.length + 1), 0, 'models/ocr/1/model.py')
      expect(whyTouched({ ...input, changed })).not.toBeNull()
    }),
  )
})
