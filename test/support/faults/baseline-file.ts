import { steady } from '../compare-model.ts'
import { makeModel, makeScenario } from '../make-measurements.ts'
import type { Fault } from './fault.ts'
import {
  alone,
  history,
  model,
  name,
  numbers,
  olderBaseline,
  stored,
  storedModels,
  storedText,
  storedValue,
  storedWith,
} from './parts.ts'

export const baselineFile: Fault[] = [
  { name: 'no file where --baseline points', met: 'error 2', options: { baseline: 'nothing.json' } },
  { name: 'an empty file', met: 'error 3', files: { baseline: '' } },
  { name: 'a file cut off', met: 'error 3', files: { baseline: storedText.slice(0, 5000) } },
  { name: 'bytes that are no text', met: 'error 3', files: { baseline: Uint8Array.of(0x7b, 0xff, 0x7d) } },
  { name: 'an error page', met: 'error 3', files: { baseline: '<html>Not found</html>' } },
  { name: 'a folder', met: 'error 3', special: 'folder' },
  { name: 'more than 64 MiB', met: 'error 3', special: 'hugeFile' },
  {
    name: 'a file of another kind',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, kind: 'measurements' }) },
  },
  {
    name: 'a newer schema',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, schemaVersion: 99 }) },
  },
  {
    name: 'a schema that never was',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, schemaVersion: 0 }) },
  },
  {
    name: 'an older schema, which is migrated, with all settings the same',
    met: 'pass',
    files: { ...alone([model(undefined, {}, { settingsHash: 'a' })]), baseline: olderBaseline('a') },
  },
  {
    name: 'an older schema, which is migrated, and some settings others',
    met: 'inconclusive',
    files: { ...alone([model(undefined, {}, { settingsHash: 'a' })]), baseline: olderBaseline('b') },
  },
  {
    name: 'an older schema, which is migrated, and kept no settings',
    met: 'inconclusive',
    files: { baseline: olderBaseline() },
  },
  {
    name: 'a key that nobody knows',
    met: 'error 3',
    files: { baseline: JSON.stringify({ ...stored, extra: 1 }) },
  },
  {
    name: 'a key that would change the prototype of objects',
    met: 'error 3',
    files: { baseline: storedText.replace('"failures":{}', '"failures":{"__proto__":1}') },
  },
  { name: 'NaN', met: 'error 3', files: storedValue('NaN') },
  { name: 'an infinite number', met: 'error 3', files: storedValue('1e999') },
  { name: 'a negative number', met: 'error 3', files: storedValue('-300') },
  { name: 'a throughput of zero', met: 'error 3', files: storedValue('0') },
  { name: 'a number that no measurement gives', met: 'error 3', files: storedValue('1e308') },
  {
    name: 'such a number in the history',
    met: 'error 3',
    files: storedWith({ history: history.map((point) => ({ ...point, value: 1e308 })) }),
  },
  { name: 'no model', met: 'error 3', files: storedModels([]) },
  { name: 'a model twice', met: 'error 3', files: storedModels([model(), model()]) },
  {
    name: 'a load twice',
    met: 'error 3',
    files: storedModels([
      makeModel(name, [makeScenario(steady(8, numbers)), makeScenario(steady(8, numbers))]),
    ]),
  },
  {
    name: 'a repetition twice',
    met: 'error 3',
    files: storedModels([model([...steady(8, numbers), ...steady(1, numbers)])]),
  },
  {
    name: 'a measurement of a sweep',
    met: 'error 3',
    files: storedModels([model(undefined, { role: 'sweep' })]),
  },
]
