import type { Baseline } from '../../../src/domain/measurements.ts'
import { steady } from '../compare-model.ts'
import type { Fault, Files } from './fault.ts'
import {
  beside,
  history,
  model,
  numbers,
  otherMachine,
  stored,
  storedModels,
  storedText,
  storedWith,
} from './parts.ts'

/** A newer baseline of the main branch, for a judgement that the main branch's creep may fail. */
const newest = (change: Partial<Baseline> = {}): Partial<Files> => ({
  newest: { ...stored, ...change },
  config: 'concurrency: 8\ngate: {on_creep: fail}\n',
})
const released = { release: true, history: 'newest.json' }
/** Since then the main branch has become slower twice, by less than the tolerance each time. */
const crept = Array.from({ length: 60 }, (_, index) => ({
  ...(history[0] as (typeof history)[number]),
  commit: `d${index}`,
  createdAt: `2026-02-01T00:00:${String(index).padStart(2, '0')}Z`,
  value: 40e6 * 1.04 ** Math.floor(index / 20) * (1 + 0.002 * ((index * 7) % 5)),
}))

const cleared = model(steady(4, numbers), {}, { screening: 'cleared' })

export const mainHistory: Fault[] = [
  { name: 'no file where --history points', met: 'error 2', options: { history: 'nothing.json' } },
  {
    name: 'the file of --history is cut off',
    met: 'error 3',
    files: { newest: storedText.slice(0, 5000) },
    options: { history: 'newest.json' },
  },
  {
    name: 'the file of --history is of another machine',
    met: 'pass',
    files: newest({ environment: otherMachine }),
    options: { history: 'newest.json' },
  },
  {
    name: 'the same where creep is to fail a release',
    met: 'inconclusive',
    files: newest({ environment: otherMachine }),
    options: released,
  },
  {
    name: 'no --history where creep is to fail a release',
    met: 'error 2',
    files: newest(),
    options: { release: true },
  },
  {
    name: 'the main branch has crept, and that is to fail a release',
    met: 'fail',
    files: newest({ history: crept }),
    options: released,
  },
  {
    name: 'the main branch has crept, of which a pull request is only told',
    met: 'pass',
    files: newest({ history: crept }),
    options: { history: 'newest.json' },
  },
  {
    name: 'a history that is yet too short to show creep',
    met: 'pass',
    files: newest({ history: crept.slice(0, 3) }),
    options: { history: 'newest.json' },
  },
  {
    name: 'a model that its history cleared, and no baseline',
    met: 'invalid',
    files: { ...beside([cleared], []), baseline: null },
  },
  {
    name: 'a model that its history cleared, and a baseline of another machine',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedWith({ environment: otherMachine }) },
  },
  {
    name: 'a model that its history cleared, and a baseline without a history',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedWith({ history: [] }) },
  },
  {
    name: 'a model that its history cleared, and a baseline without the model',
    met: 'invalid',
    files: { ...beside([cleared], []), ...storedModels([{ ...model(), name: 'other' }]) },
  },
]
