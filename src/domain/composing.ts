import { z } from 'zod'

const average = z.number().nonnegative().nullable()

/**
 * What the server did for one composing model (an ensemble's step, or a model that business logic scripting calls) while
 * the model that needs it was measured, lead-ins included. Times are averages of one of its own requests, each by its own
 * count, null where there was none.
 */
export const composingModelSchema = z
  .strictObject({
    model: z.string(),
    /** `step` of an ensemble, or `call` of a model's code, whose compute infer time it then is part of. */
    via: z.enum(['step', 'call']),
    /** Requests that succeeded, those answered from the cache among them. */
    requestCount: z.int().nonnegative(),
    failCount: z.int().nonnegative(),
    /** Its requests for each request of the measured model; null where the server counted none of those. */
    requestsPerRequest: average,
    serverQueueNs: average,
    serverComputeInputNs: average,
    serverComputeInferNs: average,
    serverComputeOutputNs: average,
    executedBatchSize: average,
    cacheHitCount: z.int().nonnegative(),
  })
  .readonly()
  .meta({ id: 'composingModel' })
export type ComposingModel = z.infer<typeof composingModelSchema>

/** The parts of a request's time in the server, in the order in which it passes through them. */
export const serverParts = [
  'serverQueueNs',
  'serverComputeInputNs',
  'serverComputeInferNs',
  'serverComputeOutputNs',
] as const

/**
 * What a part takes of one request of the measured model, in ns: as often as the composing model is asked, and computed. What
 * the cache answers waits in the queue like the rest, but is not computed.
 */
export function partPerRequestNs(
  composing: ComposingModel,
  part: (typeof serverParts)[number],
): number | null {
  const { requestsPerRequest, requestCount, cacheHitCount } = composing
  const ns = composing[part]
  if (requestsPerRequest === null || ns === null) return null
  const share = part === 'serverQueueNs' || requestCount === 0 ? 1 : 1 - cacheHitCount / requestCount
  return requestsPerRequest * share * ns
}

/** All parts together, in ns; null where nothing was asked. */
export function timePerRequestNs(composing: ComposingModel): number | null {
  const parts = serverParts.flatMap((part) => partPerRequestNs(composing, part) ?? [])
  return parts.length === 0 ? null : parts.reduce((sum, part) => sum + part, 0)
}
