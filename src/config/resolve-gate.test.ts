import { expect, test } from 'vitest'
import { readConfig } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

const read = (text: string, overrides: ConfigOverrides = {}) =>
  readConfig(text, 'triton-perf-gate.yml', overrides)

test('a release has policies of its own, stricter by default; flags stand above both', () => {
  const policies = (text: string, overrides: ConfigOverrides) => {
    const { onInconclusive, onMissingBaseline } = read(text, overrides).gate
    return [onInconclusive, onMissingBaseline]
  }
  const text = 'gate: {on_inconclusive: warn, on_missing_baseline: inconclusive}'
  expect(policies(text, {})).toEqual(['warn', 'inconclusive'])
  expect(policies(text, { release: true })).toEqual(['fail', 'fail'])
  expect(policies(text, { release: true, onInconclusive: 'warn' })).toEqual(['warn', 'fail'])
  const own = 'gate: {release: {on_missing_baseline: inconclusive}}'
  expect(policies(own, { release: true })).toEqual(['fail', 'inconclusive'])
  expect(policies(own, {})).toEqual(['warn', 'inconclusive'])
})
