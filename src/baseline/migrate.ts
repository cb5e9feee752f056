import { createHash } from 'node:crypto'
import { isMapping, type Mapping } from '../domain/mapping.ts'
import { baselineSchemaVersion } from '../domain/measurements.ts'

/**
 * What changed from each version to the next, as a step on the file's data. A step touches what it knows and leaves the
 * rest, right or wrong, for the schema to judge: nothing is repaired on the way.
 */
const steps: Readonly<Record<number, (file: Mapping) => Mapping>> = {
  // 2: the spread of each point, which cannot be known any more, and the hash of each config.pbtxt.
  1: (file) => ({
    ...file,
    schemaVersion: 2,
    models: eachOf(file.models, (model) => ({ ...model, configHash: configHash(model.configText) })),
    history: eachOf(file.history, (point) => ({ ...point, spread: null })),
  }),
  // 3: accepted steps that the history has lost, of which nothing is known.
  2: (file) => ({ ...file, schemaVersion: 3, acceptedBefore: [] }),
  // 4: each setting that changes what a number means, of which the one hash of all settings before tells only whether all are the same.
  3: (file) => ({ ...file, schemaVersion: 4 }),
}

/** Whether a file of this version can be read: it is ours, or every step on the way to ours is known. */
export function canRead(version: number): boolean {
  return version === baselineSchemaVersion || steps[version] !== undefined
}

/** A file of any known version in the form of this one, still unchecked; any other as it is. */
export function migrated(file: Mapping): Mapping {
  const step = typeof file.schemaVersion === 'number' ? steps[file.schemaVersion] : undefined
  return step === undefined ? file : migrated(step(file))
}

/** sha256 of a config.pbtxt; null where there is none. */
export function configHash(text: unknown): string | null {
  return typeof text === 'string' ? createHash('sha256').update(text).digest('hex') : null
}

function eachOf(list: unknown, change: (item: Mapping) => Mapping): unknown {
  if (!Array.isArray(list)) return list
  return list.map((item: unknown) => (isMapping(item) ? change(item) : item))
}
