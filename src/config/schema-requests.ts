import { z } from 'zod'
import { defaultRequests } from './defaults.ts'
import { key, positiveInteger } from './values.ts'

const { sequences } = defaultRequests

/** `start:end`, the end left out or excluded. Ids are exact to 2^53. */
const idRange = z
  .union([positiveInteger.transform(String), z.string().regex(/^[1-9]\d{0,14}(:[1-9]\d{0,14})?$/)])
  .transform((text, context): { start: number; end: number | null } => {
    const [start = 1, end = null] = text.split(':').map(Number)
    if (end === null || end > start) return { start, end }
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} holds no id: the end is excluded` })
    return z.NEVER
  })
  .meta({ title: '"start" or "start:end"' })

/** perf_analyzer's flags for how much is sent, for streaming, and for models with sequence batching. */
export const requestFlags = {
  'request-count': key(
    positiveInteger,
    'Exactly so many requests of each load in each repetition, instead of `gate.measurement_seconds`; 299 at least for a p99.',
  ),
  'warmup-request-count': key(
    positiveInteger,
    'So many requests as the warm-up, on the connections that are measured, instead of `gate.warmup_seconds`.',
  ),
  streaming: key(
    z.boolean(),
    'Requests go over ModelStreamInfer. Decoupled models are always asked that way.',
    defaultRequests.streaming,
  ),
  'num-of-sequences': key(
    positiveInteger,
    'Live sequences at a request rate; at a concurrency there are as many as that.',
    sequences.count,
  ),
  'sequence-length': key(
    positiveInteger,
    'Requests in a sequence, more or less. Where input data has streams, each is a sequence as it is unless this is set.',
    20,
  ),
  'sequence-length-variation': key(
    z.number().min(0).max(100),
    'By how many percent lengths differ from `sequence-length`.',
    sequences.lengthVariation * 100,
  ),
  'sequence-id-range': key(
    idRange,
    'Correlation ids, the end excluded; after the last the first comes again.',
    '1',
  ),
  'start-sequence-id': key(
    positiveInteger,
    'First correlation id: the older word for the start of the range.',
  ),
  'serial-sequences': key(
    z.boolean(),
    'At a request rate, a request waits for the answer to the one before in its sequence. Without streaming it always does.',
    false,
  ),
}
