import { z } from 'zod'

/** What is asked of a model: a closed loop of `concurrency` outstanding requests, or an open loop of `requestRate` per second. */
export const loadSchema = z
  .discriminatedUnion('mode', [
    z.strictObject({
      mode: z.literal('concurrency'),
      concurrency: z.int().positive(),
      /** Inferences in one request (perf_analyzer's `-b`); 1 where it is left out. */
      batchSize: z.int().positive().optional(),
    }),
    z.strictObject({
      mode: z.literal('requestRate'),
      requestRate: z.number().positive(),
      distribution: z.enum(['constant', 'poisson']).optional(),
      batchSize: z.int().positive().optional(),
    }),
  ])
  .readonly()

export type Load = z.infer<typeof loadSchema>

export function batchSizeOf(load: Load): number {
  return load.batchSize ?? 1
}

/** How heavy a load is beside others of its mode: inferences kept outstanding, or asked for per second. */
export function inferencesOf(load: Load): number {
  return (load.mode === 'concurrency' ? load.concurrency : load.requestRate) * batchSizeOf(load)
}

/** One word that tells loads apart, the same in every file: `concurrency=8`, `requestRate=100,batchSize=4`. */
export function loadKey(load: Load): string {
  const batch = batchSizeOf(load) === 1 ? '' : `,batchSize=${batchSizeOf(load)}`
  if (load.mode === 'concurrency') return `concurrency=${load.concurrency}${batch}`
  const distribution = load.distribution === 'poisson' ? ',poisson' : ''
  return `requestRate=${load.requestRate}${distribution}${batch}`
}

/** The load in the words of a report: `concurrency 8`, `100 requests/s (poisson), batch 4`. */
export function loadLabel(load: Load): string {
  const batch = batchSizeOf(load) === 1 ? '' : `, batch ${batchSizeOf(load)}`
  if (load.mode === 'concurrency') return `concurrency ${load.concurrency}${batch}`
  return `${load.requestRate} requests/s${load.distribution === 'poisson' ? ' (poisson)' : ''}${batch}`
}

/** A load's key, as files hold it, in the words of a report; any other text as it is. */
export function loadKeyLabel(key: string): string {
  const [, concurrency, rate, poisson, batch] =
    /^(?:concurrency=(\d+)|requestRate=([\d.]+)(,poisson)?)(?:,batchSize=(\d+))?$/.exec(key) ?? []
  const batchSize = batch === undefined ? {} : { batchSize: Number(batch) }
  if (concurrency !== undefined) {
    return loadLabel({ mode: 'concurrency', concurrency: Number(concurrency), ...batchSize })
  }
  if (rate === undefined) return key
  const distribution = poisson === undefined ? {} : { distribution: 'poisson' as const }
  return loadLabel({ mode: 'requestRate', requestRate: Number(rate), ...distribution, ...batchSize })
}
