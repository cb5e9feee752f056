import { GateError } from '../domain/error.ts'

/** `value` as a JSON document: keys in the order they were built, two spaces, a final newline. Throws on NaN and infinities. */
export function renderJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(
    value,
    (key, item: unknown) => {
      if (typeof item === 'number' && !Number.isFinite(item)) {
        // JSON.stringify would write null, which means "not available" in our files.
        throw new GateError('internal', `"${key}" is ${item}, which JSON cannot hold`)
      }
      return item
    },
    indent,
  )
  return `${text}\n`
}
