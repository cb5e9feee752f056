import { type Load, loadKey } from '../domain/load.ts'
import type { Result } from '../domain/result.ts'

/** Whether models were on one server and under load at the same time. */
export function isConcurrent({ models }: Pick<Result, 'models'>): boolean {
  return models.some(({ scenarios }) => scenarios.some(({ load }) => load.beside !== undefined))
}

export function concurrentNotice({ models }: Pick<Result, 'models'>): string {
  return `The ${models.length} models were on one server and under load at the same time: each number is of a model beside the others, and memory is that of the whole server.`
}

/** What else the server was asked for meanwhile, in a cell of a table. */
export function besideText({ beside = [] }: Load): string {
  return beside.map(({ model, load }) => `${model} ${loadKey(load)}`).join('; ')
}
