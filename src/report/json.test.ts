import { expect, test } from 'vitest'
import { renderJson } from './json.ts'

test('keys stay in order and the document ends with a newline', () => {
  expect(renderJson({ b: 1, a: [null] })).toBe('{\n  "b": 1,\n  "a": [\n    null\n  ]\n}\n')
})

test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d is refused by name, not written as null', (value) => {
  expect(() => renderJson({ inner: { p99: value } })).toThrow(/"p99" is/)
})
