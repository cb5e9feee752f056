import type { Attribution, OriginMeasurement } from '../domain/attribution.ts'
import type { Load } from '../domain/load.ts'
import type { Measurements } from '../domain/measurements.ts'
import { attributionOf, blamesConfig, loadsToExplain, nameCauses } from './attribution.ts'
import { type ComparedModel, regressionsOf } from './compare.ts'
import type { Family } from './judge.ts'

/** A model's rows, and what the confirmed regressions among them are due to where that was looked into. */
export type ExplainedModel = ComparedModel & { readonly attribution?: Attribution }

export function withCauses(
  compared: { readonly models: readonly ComparedModel[] },
  { attributions, models: measured }: Measurements,
): { readonly models: readonly ExplainedModel[] } {
  const models = compared.models.map((model) => {
    const explaining = attributions?.find((each) => each.model === model.name)
    const isFailed = measured.some(({ name, status }) => name === model.name && status === 'failed')
    const attribution = explaining && attributionOf(explaining, model.comparisons, isFailed)
    return attribution
      ? { ...model, attribution, comparisons: nameCauses(model.comparisons, attribution) }
      : model
  })
  return { models }
}

/** What is to be explained of a model whose measurement has ended, and whether config.pbtxt is to blame; null where nothing is. */
export function regressionOf(
  input: Parameters<typeof regressionsOf>[0],
  family: Family,
): {
  readonly loads: readonly Load[]
  readonly blamesConfig: (measured: OriginMeasurement) => boolean
} | null {
  const regressions = regressionsOf(input, family)
  if (regressions === null) return null
  return {
    loads: loadsToExplain(regressions),
    blamesConfig: (measured) => blamesConfig(measured, regressions),
  }
}
