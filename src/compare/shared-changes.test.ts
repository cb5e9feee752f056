import { expect, test } from 'vitest'
import type { Best } from '../domain/result.ts'
import { sharedChangeWarnings } from './shared-changes.ts'

const fields = { instanceCount: 2, maxBatchSize: 8, dynamicBatching: true }
const best = (others: readonly string[], change: Partial<Best> = {}): Best => ({
  configuration: {
    committed: false,
    ...fields,
    ...(others.length === 0 ? {} : { others: Object.fromEntries(others.map((name) => [name, fields])) }),
  },
  load: { mode: 'concurrency', concurrency: 1 },
  metrics: {},
  gain: 0.5,
  tie: false,
  meetsConstraints: true,
  explanation: '',
  patch: 'a patch',
  ...change,
})
const model = (name: string, needs: readonly string[], answer: Best | null) => ({
  name,
  best: answer,
  otherConfigTexts: Object.fromEntries(needs.map((each) => [each, ''])),
})

test('who else is made of what a best configuration changes', () => {
  const step = model('step', [], null)
  const other = model('other', ['step', 'end'], null)
  const warnings = sharedChangeWarnings([model('ocr', ['step', 'end'], best(['step'])), step, other])
  expect(warnings).toEqual([
    'The best configuration of ocr changes step, and with that step and other, which were not measured so: apply one patch at a time, and measure again.',
  ])
})

test('a step of its own that gets another configuration changes the ensemble', () => {
  const warnings = sharedChangeWarnings([
    model('step', [], best([])),
    model('ocr', ['step'], null),
    model('apart', ['end'], null),
  ])
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('of step changes step, and with that ocr, which was not')
})

test('nothing is said of what changes nobody else, is no patch, or was measured together', () => {
  const ocr = (answer: Best | null) => model('ocr', ['step'], answer)
  const others = [model('step', [], null), model('apart', ['end'], null)]
  expect(sharedChangeWarnings([model('apart2', ['x'], best(['x'])), ...others])).toEqual([])
  expect(sharedChangeWarnings([ocr(null), ...others])).toEqual([])
  expect(sharedChangeWarnings([ocr(best(['step'], { patch: null })), ...others])).toEqual([])
  const load = {
    mode: 'concurrency',
    concurrency: 1,
    beside: [{ model: 'step', load: { mode: 'concurrency', concurrency: 1 } }],
  } as const
  expect(sharedChangeWarnings([ocr(best(['step'], { load })), ...others])).toEqual([])
})
