import { posix } from 'node:path'
import { withAcceptedSteps } from './baseline/accepted-steps.ts'
import { matchBaseline, type OpenedBaseline } from './baseline/find.ts'
import { baselineFrom } from './baseline/write.ts'
import { acceptanceWarnings } from './compare/accepted.ts'
import { capacityOf } from './compare/capacity.ts'
import { type ExplainedModel, withCauses } from './compare/causes.ts'
import { compareModels } from './compare/compare.ts'
import { capacityBeside } from './compare/concurrent-capacity.ts'
import { creepWarnings } from './compare/creep.ts'
import { loosened } from './compare/loosened.ts'
import { withNeighbours } from './compare/neighbours.ts'
import { unknownDataWarnings } from './compare/sent-otherwise.ts'
import { settingsWarnings } from './compare/settings.ts'
import { sharedChangeWarnings } from './compare/shared-changes.ts'
import { type CompareInput, usableBaseline, usableRecent } from './compare/sides.ts'
import { trendOf } from './compare/trend.ts'
import { decide } from './compare/verdict.ts'
import { judgingFlags } from './config/flags.ts'
import { configurationKey } from './domain/configuration.ts'
import { loadKey } from './domain/load.ts'
import { type HistoryPoint, schemaVersion } from './domain/measurements.ts'
import type { Best, ModelResult, Result, Trend } from './domain/result.ts'
import type { ModelMeasurement } from './domain/scenario.ts'
import { baselineMaker } from './domain/words.ts'
import { applyConfiguration } from './model-config/configuration.ts'
import { parseModelConfig } from './model-config/parse.ts'
import { patchModelConfigText } from './model-config/patch.ts'
import { toBest } from './search/answer.ts'

/** Measurement[] → Comparison[] → Verdict → Result. Pure: the same files give the same result on any machine. */
export function judge(input: CompareInput): Result {
  const { measurements, baselineStatus, recentStatus: recent = { status: 'notRequested' } } = input
  const explained = withCauses(compareModels(input), measurements)
  const compared = { models: withNeighbours(explained.models, input) }
  const looser = loosened(input)
  const trend = trendIn(input)
  const models = measurements.models.map((model) => modelResult(model, input, compared))
  const { tool, createdAt, commit, complete, seed, environment, warnings, wallNs, invocation, ignoredKeys } =
    measurements
  const policies = judgingFlags(input.config.overrides)
  return {
    kind: 'result',
    schemaVersion,
    tool,
    createdAt,
    commit,
    complete,
    seed,
    verdict: decide(input, compared, trend),
    environment,
    baseline: baselineStatus,
    ...(recent.status === 'notRequested' ? {} : { recent }),
    ...(invocation === undefined ? {} : { invocation: { ...invocation, mode: input.mode, policies } }),
    reference:
      measurements.reference === null
        ? null
        : { description: measurements.reference.description, commit: measurements.reference.commit },
    models,
    ...(looser === null ? {} : { loosened: looser }),
    ...(ignoredKeys === undefined ? {} : { ignoredKeys }),
    warnings: [...warnings, ...configurationWarnings(input), ...sharedChangeWarnings(models)],
    ...(trend === null ? {} : { trend }),
    wallNs,
  }
}

/** The same from baselines as they were opened: the one to compare with, and the main branch's newest where that is another. */
export function judgeAgainst(
  input: Pick<CompareInput, 'measurements' | 'config' | 'mode'>,
  opened: { readonly baseline: OpenedBaseline; readonly recent: OpenedBaseline },
): Result {
  const { environment } = input.measurements
  const baseline = matchBaseline(opened.baseline, environment)
  const recent = matchBaseline(opened.recent, environment)
  // Measured elsewhere: no reference makes up for a history.
  const isForeign = recent.baseline !== null && recent.status.status === 'incompatible'
  return judge({
    ...input,
    baseline: baseline.baseline,
    baselineStatus: baseline.status,
    recent: recent.baseline,
    recentStatus: isForeign ? { ...recent.status, next: beginHistory } : recent.status,
  })
}

const beginHistory = `Measure the main branch on this machine (${baselineMaker}): the trend begins with its first runs here.`

function configurationWarnings(input: CompareInput): string[] {
  const reference = input.measurements.git?.reference
  const unread =
    reference?.status === 'unreadable'
      ? [
          `Whether limits were loosened is not known: the configuration at ${reference.commit.slice(0, 7)} could not be read (${reference.why}).`,
        ]
      : []
  return [
    ...unread,
    ...unknownDataWarnings(input),
    ...settingsWarnings(input),
    ...creepWarnings(input),
    ...acceptanceWarnings(input),
  ]
}

/**
 * Of the main branch up to here: since the commit that is compared with, where the history goes beyond it. Where main is not measured
 * at every commit that one is seldom in the history; the baseline is the nearest before it that is. What crept before the last
 * release would be told of every later one.
 */
function trendIn(input: CompareInput): Trend | null {
  const { measurements, baseline } = input
  const recent = usableRecent(input)
  if (recent === null) return trendOf(historyOf(input), null)
  const measured = new Set(recent.history.map(({ commit }) => commit))
  const starts = [measurements.reference?.commit ?? null, baseline?.commit ?? null]
  return trendOf(recent.history, starts.find((commit) => commit !== null && measured.has(commit)) ?? null)
}

/** A measurement of the main branch is the newest point of its own history. */
function historyOf(input: CompareInput): readonly HistoryPoint[] {
  const { measurements, config, mode } = input
  const previous = usableBaseline(input)
  if (mode === 'baseline') {
    const next = baselineFrom(measurements, previous, null, config.gate.maxFailureRatio)
    if (next.status === 'written') return withAcceptedSteps(next.baseline, measurements, config).history
  }
  return previous?.history ?? []
}

function modelResult(
  model: ModelMeasurement,
  { measurements, config }: CompareInput,
  compared: { readonly models: readonly ExplainedModel[] },
): ModelResult {
  const own = compared.models.find((each) => each.name === model.name)
  const reference = measurements.reference?.models.find((each) => each.name === model.name)
  const gpus = measurements.environment.gpus.length
  const isAtOnce = model.scenarios.some(({ load }) => load.beside !== undefined)
  const capacity = isAtOnce
    ? capacityBeside(
        model.name,
        measurements.models,
        measurements.reference?.models ?? [],
        gpus,
        config.settingsFor,
      )
    : capacityOf({ candidate: model, reference: reference ?? null, gpus }, config.settingsFor(model.name))
  return {
    ...model,
    ...(capacity === undefined ? {} : { capacity }),
    comparisons: [...(own?.comparisons ?? [])],
    constraints: [...(own?.constraints ?? [])],
    best: bestOf(model, measurements.repositoryPrefix ?? ''),
    ...(own?.attribution === undefined ? {} : { attribution: own.attribution }),
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
  // Of models that were measured at once each has its own part of the patch.
  const { others: _, ...own } = answer.configuration
  const patched = answer.load.beside === undefined ? answer.configuration : own
  return toBest(answer, measured, patchFor(model, patched, prefix))
}

/** All files that are to be changed in one patch, the gated model's last, as they are loaded. */
function patchFor(
  model: ModelMeasurement,
  { committed, others = {}, ...own }: Best['configuration'],
  prefix: string,
): string | null {
  if (committed) return null
  const all = [...Object.entries(others), [model.name, own] as const]
  const patches = all.map(([name, fields]) => {
    const text = name === model.name ? model.configText : (model.otherConfigTexts?.[name] ?? null)
    if (text === null) return null
    const file = posix.join(name, 'config.pbtxt')
    const target = applyConfiguration(parseModelConfig(text, file), { committed: false, ...fields })
    return patchModelConfigText(text, file, target, prefix).patch
  })
  // Half of a combination is not what was measured.
  return patches.includes(null) ? null : patches.join('') || null
}
