import type { IgnoredKey } from '../domain/ignored-key.ts'
import { concurrentlyKey, pairedLoads } from './concurrent.ts'
import type { ComposingSettings, Config, ModelSettings } from './config.ts'
import { defaultWeighting } from './defaults.ts'
import type { ConfigOverrides } from './overrides.ts'
import { resolveGate } from './resolve-gate.ts'
import {
  passedFlags,
  resolvePerfAnalyzer,
  unusedCountWarnings,
  unusedFlagWarnings,
} from './resolve-perf-analyzer.ts'
import {
  resolveCounts,
  resolveInput,
  resolveLoads,
  resolveRequests,
  resolveSources,
} from './resolve-requests.ts'
import { resolveComposingSearch, resolveSearch } from './resolve-search.ts'
import {
  objectivesByDefault,
  replacedLimitWarnings,
  resolveConstraints,
  resolveObjectives,
} from './resolve-targets.ts'
import { resolveTolerance } from './resolve-tolerance.ts'
import { resolveTriton } from './resolve-triton.ts'
import type { ComposingEntry, ConfigFile, ModelEntry } from './schema.ts'

/** Flags over file over defaults, in the units of the program. @param ignoredKeys of the file */
export function resolve(
  path: string | null,
  file: ConfigFile,
  overrides: ConfigOverrides,
  ignoredKeys: readonly IgnoredKey[],
): Config {
  const warnings: string[] = []
  const gate = resolveGate(file, overrides)
  const tolerance = resolveTolerance(file, null)
  const entries = file.profile_models ?? {}
  const demand = file.gate?.demand
  const settingsOf = (entry: ModelEntry, name: string | null): ModelSettings => ({
    loads: resolveLoads(file, entry),
    objectives: resolveObjectives(
      entry.objectives ?? file.objectives ?? objectivesByDefault(file, entry, overrides),
    ),
    constraints: resolveConstraints(file, entry, overrides),
    search: resolveSearch(file, entry, overrides, name, warnings),
    input: resolveInput(path, file, entry, overrides, gate.seed),
    requests: resolveRequests(file, entry),
    counts: resolveCounts(file, entry),
    perfAnalyzerFlags: passedFlags(file, entry),
    tolerance,
    cpuOnly: entry.cpu_only ?? false,
    weighting: entry.weighting ?? defaultWeighting,
    demandInferPerSec: null,
  })
  const general = settingsOf({}, null)
  warnings.push(...replacedLimitWarnings(file, overrides))
  warnings.push(...(gate.engine === 'builtin' ? unusedFlagWarnings(file) : unusedCountWarnings(file)))
  const own = new Map(Object.entries(entries).map(([name, entry]) => [name, settingsOf(entry, name)]))
  const sources = new Map(
    Object.entries(file.gate?.inputs ?? {}).map(([name, inputs]) => [name, resolveSources(path, inputs)]),
  )
  const composingOf = (entry: ComposingEntry): ComposingSettings => ({
    search: resolveComposingSearch(file, entry, overrides),
    cpuOnly: entry.cpu_only ?? false,
  })
  const anyComposing = composingOf({})
  const listed = (['bls_composing_models', 'ensemble_composing_models'] as const).flatMap((place) =>
    Object.entries(file[place] ?? {}).map(([name, entry]) => ({ key: `${place}.${name}`, name, entry })),
  )
  const models = overrides.models ?? (file.profile_models === undefined ? null : [...own.keys()])
  const concurrently = file.run_config_profile_models_concurrently_enable ?? false
  warnings.push(...(concurrently ? idleGateWarnings(file) : unusedWeightWarnings(entries)))
  const paired = concurrently
    ? pairedLoads((models ?? []).map((model) => ({ model, loads: (own.get(model) ?? general).loads })))
    : null
  const composing = new Map(listed.map(({ name, entry }) => [name, composingOf(entry)]))
  const onCpu = (file.cpu_only_composing_models ?? []).map((name) => ({
    key: `cpu_only_composing_models.${name}`,
    name,
  }))
  return {
    file: path,
    modelRepository: overrides.modelRepository ?? file.model_repository ?? null,
    models,
    concurrently,
    blsComposingModels: Object.keys(file.bls_composing_models ?? {}),
    composingModelsNamed: [...listed.map(({ key, name }) => ({ key, name })), ...onCpu],
    composingSettingsFor: (model) => {
      const settings = composing.get(model) ?? anyComposing
      return onCpu.some(({ name }) => name === model) ? { ...settings, cpuOnly: true } : settings
    },
    settingsFor: (model) => {
      const settings = own.get(model) ?? general
      return {
        ...settings,
        loads: paired?.get(model) ?? settings.loads,
        input: { ...settings.input, sources: sources.get(model) ?? {} },
        tolerance: resolveTolerance(file, model),
        demandInferPerSec: (typeof demand === 'number' ? demand : demand?.[model]) ?? null,
      }
    },
    inputModels: [...sources.keys()],
    demandModels: typeof demand === 'object' ? Object.keys(demand) : [],
    gate,
    triton: resolveTriton(path, file, overrides),
    perfAnalyzer: resolvePerfAnalyzer(file, overrides),
    overrides,
    ignoredKeys,
    warnings,
  }
}

/** What is asked for, and takes no part where models are measured at once (docs/concurrent-models.md). */
function idleGateWarnings({ gate: { screening = 'off', attribution = 'off' } = {} }: ConfigFile): string[] {
  return Object.entries({ screening, attribution })
    .filter(([, value]) => value !== 'off')
    .map(([key]) => `gate.${key}: no effect with ${concurrentlyKey}`)
}

function unusedWeightWarnings(entries: Readonly<Record<string, ModelEntry>>): string[] {
  const names = Object.keys(entries).filter((name) => entries[name]?.weighting !== undefined)
  return names.map(
    (name) =>
      `profile_models.${name}.weighting: no effect without run_config_profile_models_concurrently_enable`,
  )
}
