import { parseDuration } from '../config/duration.ts'
import { asGateError, GateError } from '../domain/error.ts'

// What stands behind a flag, as commander gives it, in the program's units. Throws a usage error that names the flag.

/** A number above 0. */
export function positive(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new GateError('usage', `${flag}: '${text}' is not a number above 0`)
}

/** A number from 0 on. */
export function notNegative(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new GateError('usage', `${flag}: '${text}' is not a number from 0 on`)
}

/** A whole number above 0. */
export function positiveWhole(flag: string, text: string): number {
  const value = positive(flag, text)
  if (Number.isInteger(value)) return value
  throw new GateError('usage', `${flag}: '${text}' is not a whole number`)
}

/** A whole number, no less than `least`. */
export function wholeFrom(least: number, flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= least) return value
  throw new GateError('usage', `${flag}: '${text}' is not a whole number from ${least} on`)
}

/** A duration in ns. */
export function duration(flag: string, text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    const { message, hint } = asGateError(error)
    throw new GateError('usage', `${flag}: ${message}`, { hint })
  }
}

/** What stands between commas. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** No name at all would gate nothing, which is not what anybody asks for. */
export function modelNames(flag: string, text: string): string[] {
  const names = listOf(text)
  if (names.length > 0) return names
  throw new GateError('usage', `${flag}: '${text}' names no model`, {
    hint: 'Leave it out to gate every model of the repository.',
  })
}
