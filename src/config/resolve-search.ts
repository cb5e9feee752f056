import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { InstanceGroups, RequestRates, SearchSettings } from './config.ts'
import { defaultConcurrency, defaultRequestRate, defaultSearch, offlineConcurrency } from './defaults.ts'
import { product } from './model-config-fields.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ComposingEntry, ConfigFile, ModelEntry } from './schema.ts'

type Parameters = NonNullable<ModelEntry['model_config_parameters']>

/** @param name the model, for warnings; null for the settings of all models without an entry */
export function resolveSearch(
  file: ConfigFile,
  entry: ModelEntry,
  overrides: ConfigOverrides,
  name: string | null,
  warnings: string[],
): SearchSettings {
  const parameters = entry.model_config_parameters
  const mode = modeOf(file, parameters, overrides, name, warnings)
  const isForComposing = mode === 'manual' && parameters === undefined
  warnings.push(...unusedRateRange(file, entry, name))
  return {
    ...searchOf(file, entry, overrides, mode),
    onlyWith: isForComposing ? composingLists(file) : null,
  }
}

/** A range of rates is for a search of them: what is listed goes before it. */
function unusedRateRange(file: ConfigFile, entry: ModelEntry, name: string | null): string[] {
  const keys = (['run_config_search_min_request_rate', 'run_config_search_max_request_rate'] as const).filter(
    (key) => file[key] !== undefined,
  )
  if (keys.length === 0 || requestRatesOf(file, entry)?.listed !== true) return []
  const isOwn = entry.parameters?.request_rate !== undefined
  // What is listed for all models is told once.
  if (!isOwn && name !== null) return []
  const place = isOwn ? `profile_models.${name}.parameters.request_rate` : 'request_rate'
  return [`${keys.join(' and ')}: no effect, since ${place} lists what is tried`]
}

/** How a composing model is varied: its own lists, else the ranges of all models. The mode is that of the model that needs it. */
export function resolveComposingSearch(
  file: ConfigFile,
  entry: ComposingEntry,
  overrides: ConfigOverrides,
): SearchSettings {
  const { model_config_parameters: parameters } = entry
  const own = parameters === undefined ? {} : { model_config_parameters: parameters }
  return searchOf(file, own, overrides, defaultSearch.mode)
}

function searchOf(
  file: ConfigFile,
  entry: ModelEntry,
  overrides: ConfigOverrides,
  mode: SearchSettings['mode'],
): SearchSettings {
  const parameters = entry.model_config_parameters
  const isListed = mode === 'manual' || mode === 'brute'
  const { instanceCount, modelBatchSize, maxMeasurements } = defaultSearch
  const serving = overrides.mode ?? file.gate?.mode ?? defaultSearch.serving
  const concurrency = serving === 'offline' ? offlineConcurrency : defaultSearch.concurrency
  const largestBatch = file.run_config_search_max_model_batch_size ?? modelBatchSize.max
  const batchSizes = entry.parameters?.batch_sizes ?? file.batch_sizes
  return {
    mode,
    onlyWith: null,
    instanceCount: {
      min: file.run_config_search_min_instance_count ?? instanceCount.min,
      max: file.run_config_search_max_instance_count ?? instanceCount.max,
    },
    modelBatchSize: {
      min: file.run_config_search_min_model_batch_size ?? modelBatchSize.min,
      max: file.run_config_search_max_model_batch_size ?? modelBatchSize.max,
    },
    concurrency: {
      min: file.run_config_search_min_concurrency ?? concurrency.min,
      max: file.run_config_search_max_concurrency ?? concurrency.max,
    },
    concurrencies: isListed ? concurrenciesOf(file, entry) : null,
    requestRates: requestRatesOf(file, entry),
    serving,
    clientBatchSizes: [
      ...new Set(
        batchSizes ?? (serving === 'offline' ? doublings(1, largestBatch) : defaultSearch.clientBatchSizes),
      ),
    ],
    ...listsOf(parameters ?? {}),
    // Whoever lists what is tried, or asks for all there is, wants to see it: the time ends that.
    maxMeasurements:
      file.gate?.search_max_measurements ?? (isListed ? Number.POSITIVE_INFINITY : maxMeasurements),
    capacitySteps: file.run_config_search_max_binary_search_steps ?? defaultSearch.capacitySteps,
  }
}

/**
 * As in Model Analyzer: where loads are listed, brute and lists try those; where nothing is searched, the gated ones. A range that
 * is named asks for more. null = the range's.
 */
function concurrenciesOf(file: ConfigFile, { parameters }: ModelEntry): readonly number[] | null {
  const { run_config_search_min_concurrency: min, run_config_search_max_concurrency: max } = file
  if (min !== undefined || max !== undefined) return null
  const own = parameters?.concurrency !== undefined || parameters?.request_rate !== undefined
  const listed = (own ? parameters : file).concurrency
  return listed ?? (file.run_config_search_disable === true ? defaultConcurrency : null)
}

/** As in Model Analyzer: the listed rates, or doubling ones where any key asks for a search of rates. */
function requestRatesOf(
  file: ConfigFile,
  { parameters, perf_analyzer_flags: flags }: ModelEntry,
): RequestRates | null {
  const own = parameters?.concurrency !== undefined || parameters?.request_rate !== undefined
  const listed = (own ? parameters : file).request_rate
  const { run_config_search_min_request_rate: min, run_config_search_max_request_rate: max } = file
  const searched = file.request_rate_search_enable === true || min !== undefined || max !== undefined
  if (listed === undefined && !searched) return null
  return {
    listed: listed !== undefined,
    rates: listed ?? doublings(min ?? defaultRequestRate.min, max ?? defaultRequestRate.max),
    distribution:
      flags?.['request-distribution'] ?? file.perf_analyzer_flags?.['request-distribution'] ?? 'constant',
  }
}

function doublings(min: number, max: number): number[] {
  const values: number[] = []
  for (let value = min; value <= max; value *= 2) values.push(value)
  return values.length === 0 ? [min] : values
}

/**
 * As in Model Analyzer, listed values are measured in all combinations (`manual`), whatever the mode. Where
 * nothing is listed, `run_config_search_disable` leaves nothing to be measured.
 */
function modeOf(
  file: ConfigFile,
  parameters: Parameters | undefined,
  overrides: ConfigOverrides,
  name: string | null,
  warnings: string[],
): SearchSettings['mode'] {
  if (overrides.runConfigSearchMode === 'off') return 'off'
  const asked = overrides.runConfigSearchMode ?? file.run_config_search_mode
  if (asked === 'optuna' && name === null) {
    warnings.push(
      'run_config_search_mode optuna is run as quick: Optuna’s sampler is not part of this program',
    )
  }
  if (parameters !== undefined && name !== null) {
    if (asked !== undefined && asked !== 'brute') {
      warnings.push(
        `profile_models.${name}: run_config_search_mode ${asked} has no effect, since model_config_parameters lists what is tried`,
      )
    }
    return 'manual'
  }
  // A flag that asks for a search outweighs a file that has switched it off.
  if (file.run_config_search_disable === true && overrides.runConfigSearchMode === undefined)
    return composingLists(file).length > 0 ? 'manual' : 'off'
  return asked === 'brute' ? 'brute' : defaultSearch.mode
}

/** The composing models of which values are listed: then these are what is measured, with the models that need them. */
function composingLists({
  bls_composing_models: called,
  ensemble_composing_models: steps,
}: ConfigFile): string[] {
  return Object.entries({ ...called, ...steps }).flatMap(([name, { model_config_parameters: parameters }]) =>
    parameters === undefined ? [] : [name],
  )
}

function listsOf(
  parameters: Parameters,
): Pick<
  SearchSettings,
  'instanceCounts' | 'instanceGroups' | 'maxBatchSizes' | 'dynamicBatching' | 'queues' | 'otherFields'
> {
  const instances = listOrNull((parameters.instance_group ?? []).map(instancesOf)) ?? []
  const batching = parameters.dynamic_batching ?? []
  const blocks = batching.filter((block) => typeof block === 'object')
  return {
    maxBatchSizes: listOrNull(parameters.max_batch_size ?? []),
    instanceCounts: listOrNull(instances.flatMap(({ count }) => count ?? [])),
    instanceGroups: instances.some(({ groups }) => groups !== null) ? instances : null,
    dynamicBatching: listOrNull(batching.map((block) => block !== false)),
    queues: queuesOf(blocks),
    otherFields: otherFieldsOf(parameters, blocks),
  }
}

/** One group's count is what a search knows; several say how many there are of each. */
function instancesOf(groups: readonly JsonObject[]): InstanceGroups {
  const [first, ...others] = groups
  if (first === undefined || others.length > 0)
    return { count: groups.reduce((sum, group) => sum + countOf(group), 0), groups }
  const { count: _, ...more } = first
  return {
    count: first.count === undefined ? null : countOf(first),
    groups: Object.keys(more).length === 0 ? null : [more],
  }
}

/** Triton makes one instance where there is no count. */
function countOf({ count }: JsonObject): number {
  return typeof count === 'number' ? count : 1
}

/** Each block by itself: what one of them lists is no value of another. */
function queuesOf(
  blocks: readonly Pick<
    Exclude<NonNullable<Parameters['dynamic_batching']>[number], boolean>,
    'max_queue_delay_microseconds' | 'preferred_batch_size'
  >[],
): SearchSettings['queues'] {
  const queues = blocks.flatMap(({ max_queue_delay_microseconds: delays, preferred_batch_size: preferred }) =>
    (preferred ?? [null]).flatMap((preferredBatchSizes) =>
      (delays ?? [null]).map((maxQueueDelayMicroseconds) => ({
        preferredBatchSizes,
        maxQueueDelayMicroseconds,
      })),
    ),
  )
  return listOrNull(queues)
}

/** What is listed beside the three that a search knows; the batcher's further settings stand under `dynamic_batching`. */
function otherFieldsOf(
  { max_batch_size: _, instance_group: __, dynamic_batching: ___, ...others }: Parameters,
  blocks: readonly Readonly<Record<string, unknown>>[],
): SearchSettings['otherFields'] {
  const listed = Object.entries(others).flatMap(([name, values]) =>
    Array.isArray(values) ? [[name, values as JsonValue[]] as const] : [],
  )
  const batchers = blocks.flatMap(({ preferred_batch_size: _, max_queue_delay_microseconds: __, ...more }) =>
    product(Object.entries(more) as [string, JsonValue[]][]),
  )
  const varied = batchers.some((batcher) => Object.keys(batcher).length > 0)
  const all = product([...listed, ...(varied ? [['dynamic_batching', batchers] as const] : [])])
  return listed.length === 0 && !varied ? null : listOrNull(all)
}

/** Without repetitions; null where nothing is listed. */
function listOrNull<T>(list: readonly T[]): readonly T[] | null {
  const seen = new Map(list.map((value) => [JSON.stringify(value), value]))
  return seen.size === 0 ? null : [...seen.values()]
}
