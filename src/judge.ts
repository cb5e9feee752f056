import { posix } from 'node:path'
import { acceptanceWarnings } from './compare/accepted.ts'
import { compareModels } from './compare/compare.ts'
import { loosened } from './compare/loosened.ts'
import type { CompareInput } from './compare/sides.ts'
import { decide } from './compare/verdict.ts'
import { configurationKey } from './domain/configuration.ts'
import { loadKey } from './domain/load.ts'
import { type Measurements, schemaVersion } from './domain/measurements.ts'
import type { Best, ModelResult, Result } from './domain/result.ts'
import type { ModelMeasurement } from './domain/scenario.ts'
import { applyConfiguration } from './model-config/configuration.ts'
import { parseModelConfig } from './model-config/parse.ts'
import { patchModelConfigText } from './model-config/patch.ts'
import { toBest } from './search/answer.ts'

/** Measurement[] → Comparison[] → Verdict → Result. Pure: the same files give the same result on any machine. */
export function judge(input: CompareInput): Result {
  const { measurements, baselineStatus } = input
  const compared = compareModels(input)
  const looser = loosened(input)
  const { tool, createdAt, commit, complete, seed, environment, warnings, wallNs } = measurements
  return {
    kind: 'result',
    schemaVersion,
    tool,
    createdAt,
    commit,
    complete,
    seed,
    verdict: decide(input, compared),
    environment,
    baseline: baselineStatus,
    reference:
      measurements.reference === null
        ? null
        : { description: measurements.reference.description, commit: measurements.reference.commit },
    models: measurements.models.map((model) => modelResult(model, measurements, compared)),
    ...(looser === null ? {} : { loosened: looser }),
    warnings: [...warnings, ...configurationWarnings(input)],
    wallNs,
  }
}

function configurationWarnings(input: CompareInput): string[] {
  const reference = input.measurements.git?.reference
  const unread =
    reference?.status === 'unreadable'
      ? [
          `Whether limits were loosened is not known: the configuration at ${reference.commit.slice(0, 7)} could not be read (${reference.why}).`,
        ]
      : []
  return [...unread, ...acceptanceWarnings(input)]
}

function modelResult(
  model: ModelMeasurement,
  measurements: Measurements,
  compared: ReturnType<typeof compareModels>,
): ModelResult {
  const own = compared.models.find((each) => each.name === model.name)
  const reference = measurements.reference?.models.find((each) => each.name === model.name)
  return {
    ...model,
    comparisons: [...(own?.comparisons ?? [])],
    constraints: [...(own?.constraints ?? [])],
    best: bestOf(model, measurements.repositoryPrefix ?? ''),
    referenceScenarios: reference?.scenarios ?? [],
  }
}

/** The sweep's answer with its numbers, and as a patch to config.pbtxt. */
function bestOf(model: ModelMeasurement, prefix: string): Best | null {
  const answer = model.search?.answer
  if (answer == null) return null
  const scenarios = model.scenarios.filter(
    (each) =>
      each.role === 'sweep' &&
      each.status === 'measured' &&
      loadKey(each.load) === loadKey(answer.load) &&
      configurationKey(each.configuration) === configurationKey(answer.configuration),
  )
  const measured = scenarios.map(({ metrics }) => metrics)
  return toBest(answer, measured, patchFor(model, answer.configuration, prefix))
}

function patchFor(
  model: ModelMeasurement,
  configuration: Best['configuration'],
  prefix: string,
): string | null {
  if (configuration.committed || model.configText === null) return null
  const file = posix.join(model.name, 'config.pbtxt')
  const target = applyConfiguration(parseModelConfig(model.configText, file), configuration)
  return patchModelConfigText(model.configText, file, target, prefix).patch || null
}
