import { z } from 'zod'

/** A closed loop of `concurrency` outstanding requests. */
const closedLoop = z.strictObject({
  mode: z.literal('concurrency'),
  concurrency: z.int().positive(),
  /** Inferences in one request (perf_analyzer's `-b`); 1 where it is left out. */
  batchSize: z.int().positive().optional(),
})

/** An open loop of `requestRate` per second. */
const openLoop = z.strictObject({
  mode: z.literal('requestRate'),
  requestRate: z.number().positive(),
  distribution: z.enum(['constant', 'poisson']).optional(),
  batchSize: z.int().positive().optional(),
})

/**
 * The other models that the same server is asked for at the same time, in the order of the configuration; left out where
 * there is none. They are part of the load: a number that was measured beside others says nothing of the model alone.
 */
const beside = z
  .array(
    z
      .strictObject({
        model: z.string(),
        load: z.discriminatedUnion('mode', [closedLoop, openLoop]).readonly(),
      })
      .readonly(),
  )
  .min(1)
  .readonly()
  .optional()

/** What is asked of a model: a closed loop of `concurrency` outstanding requests, or an open loop of `requestRate` per second. */
export const loadSchema = z
  .discriminatedUnion('mode', [closedLoop.extend({ beside }), openLoop.extend({ beside })])
  .readonly()
  .meta({ id: 'load' })

export type Load = z.infer<typeof loadSchema>

export function batchSizeOf(load: Load): number {
  return load.batchSize ?? 1
}

/** How heavy a load is beside others of its mode: requests kept outstanding, or asked for per second. */
export function levelOf(load: Load): number {
  return load.mode === 'concurrency' ? load.concurrency : load.requestRate
}

/** The same in inferences. */
export function inferencesOf(load: Load): number {
  return levelOf(load) * batchSizeOf(load)
}

/** The load without what is asked of other models meanwhile. */
export function ownLoad(load: Load): Load {
  const { beside: _, ...own } = load
  return own
}

/** The loads of several models on one server, each with the others beside it. */
export function together<Own extends { readonly model: string; readonly load: Load }>(
  loads: readonly Own[],
): Load[] {
  return loads.map(({ load }, index) => {
    const others = loads
      .filter((_, other) => other !== index)
      .map(({ model, load: other }) => ({ model, load: ownLoad(other) }))
    return others.length === 0 ? ownLoad(load) : { ...ownLoad(load), beside: others }
  })
}

/** Stands between the loads in a key; neither a load's own words nor a model's name have it. */
const besideMark = ';beside '

/**
 * One word that tells loads apart, the same in every file: `concurrency=8`, `requestRate=100,batchSize=4`. With other models
 * beside it `concurrency=8;beside add_sub@concurrency=1`.
 */
export function loadKey(load: Load): string {
  const others = (load.beside ?? []).map(({ model, load: other }) => `${besideMark}${model}@${ownKey(other)}`)
  return ownKey(load) + others.join('')
}

function ownKey(load: Load): string {
  const batch = batchSizeOf(load) === 1 ? '' : `,batchSize=${batchSizeOf(load)}`
  if (load.mode === 'concurrency') return `concurrency=${load.concurrency}${batch}`
  const distribution = load.distribution === 'poisson' ? ',poisson' : ''
  return `requestRate=${load.requestRate}${distribution}${batch}`
}

/** The load in the words of a report: `concurrency 8`, `100 requests/s (poisson), batch 4 beside add_sub (concurrency 1)`. */
export function loadLabel(load: Load): string {
  const others = (load.beside ?? []).map(({ model, load: other }) => ({ model, label: ownLabel(other) }))
  return withBeside(ownLabel(load), others)
}

function ownLabel(load: Load): string {
  const batch = batchSizeOf(load) === 1 ? '' : `, batch ${batchSizeOf(load)}`
  if (load.mode === 'concurrency') return `concurrency ${load.concurrency}${batch}`
  return `${load.requestRate} requests/s${load.distribution === 'poisson' ? ' (poisson)' : ''}${batch}`
}

function withBeside(
  own: string,
  others: readonly { readonly model: string; readonly label: string }[],
): string {
  const words = others.map(({ model, label }) => `${model} (${label})`)
  return words.length === 0 ? own : `${own} beside ${words.join(' and ')}`
}

/** A load's key, as files hold it, in the words of a report; any other text as it is. */
export function loadKeyLabel(key: string): string {
  const [own = '', ...rest] = key.split(besideMark)
  const others = rest.map((text) => {
    const at = text.indexOf('@')
    return { model: text.slice(0, at), label: ownKeyLabel(text.slice(at + 1)) }
  })
  return withBeside(ownKeyLabel(own), others)
}

function ownKeyLabel(key: string): string {
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
