import type { Problem } from '../domain/error.ts'
import type { IgnoredKey } from '../domain/ignored-key.ts'
import { isMapping, type Mapping } from '../domain/mapping.ts'
import { defaultRequestRate, defaultSearch } from './defaults.ts'
import { ignoredReason } from './ignored-keys.ts'
import { schemasAt } from './json-schema.ts'
import { problemAt } from './problems.ts'
import type { Path, YamlSource } from './yaml-source.ts'

const mapAt = (map: Mapping, name: string): Mapping => (isMapping(map[name]) ? map[name] : {})

/**
 * What is wrong with keys taken together. It reads the plain values, whatever else is wrong with them, so
 * that these problems are told in one go with the others.
 */
export function crossProblems(source: YamlSource): Problem[] {
  const file = isMapping(source.value) ? source.value : {}
  const models = modelsIn(file.profile_models)
  return [
    ...loadProblems(source, file, []),
    ...aliasProblems(source, mapAt(file, 'constraints'), ['constraints']),
    ...rangeProblems(source, file),
    ...rateSearchProblems(source, file),
    ...modelSslProblems(source, file, models),
    ...twiceNamedFlags(source, mapAt(file, 'triton_server_flags')),
    ...models.flatMap(({ entry, path }) => [
      ...loadProblems(source, mapAt(entry, 'parameters'), [...path, 'parameters']),
      ...aliasProblems(source, mapAt(entry, 'constraints'), [...path, 'constraints']),
    ]),
  ]
}

interface NamedModel {
  /** As the file says it. */
  readonly entry: Mapping
  readonly path: Path
}

/** The models that have settings: in a map, or in the maps of a list. */
function modelsIn(models: unknown): NamedModel[] {
  const ofMap = (map: unknown, path: Path): NamedModel[] =>
    isMapping(map) ? Object.keys(map).map((name) => ({ entry: mapAt(map, name), path: [...path, name] })) : []
  return Array.isArray(models)
    ? models.flatMap((item: unknown, index) => ofMap(item, ['profile_models', index]))
    : ofMap(models, ['profile_models'])
}

function loadProblems(source: YamlSource, map: Mapping, path: Path): Problem[] {
  if (map.concurrency === undefined || map.request_rate === undefined) return []
  const remedy = 'Keep one of them: a model is gated either in a closed loop or at request rates.'
  return [problemAt(source, [...path, 'request_rate'], 'key', 'stands beside concurrency', remedy)]
}

/** Models may name the TLS files, as in Model Analyzer; but all are on one server, so that they must agree. */
function modelSslProblems(source: YamlSource, file: Mapping, models: readonly NamedModel[]): Problem[] {
  const first = new Map(
    Object.entries(mapAt(file, 'perf_analyzer_flags')).filter(([flag]) => flag.startsWith('ssl-grpc-')),
  )
  const remedy = 'Name it once, in the global perf_analyzer_flags: all models are on one server.'
  return models.flatMap(({ entry, path }) =>
    Object.entries(mapAt(entry, 'perf_analyzer_flags')).flatMap(([flag, value]) => {
      if (!flag.startsWith('ssl-grpc-')) return []
      if (!first.has(flag)) first.set(flag, value)
      if (first.get(flag) === value) return []
      return [
        problemAt(
          source,
          [...path, 'perf_analyzer_flags', flag],
          'key',
          'differs from what another place says',
          remedy,
        ),
      ]
    }),
  )
}

function twiceNamedFlags(source: YamlSource, flags: Mapping): Problem[] {
  const remedy = 'Keep one of the two: tritonserver has one flag of that name.'
  return Object.keys(flags)
    .filter((name) => name.includes('_') && Object.hasOwn(flags, name.replaceAll('_', '-')))
    .map((name) =>
      problemAt(source, ['triton_server_flags', name], 'key', 'stands there with dashes, too', remedy),
    )
}

function aliasProblems(source: YamlSource, limits: Mapping, path: Path): Problem[] {
  if (limits.perf_latency === undefined || limits.perf_latency_p99 === undefined) return []
  const remedy = 'Keep perf_latency_p99; perf_latency is its old name.'
  return [problemAt(source, [...path, 'perf_latency'], 'key', 'stands beside perf_latency_p99', remedy)]
}

const ranges = {
  concurrency: defaultSearch.concurrency,
  request_rate: defaultRequestRate,
  instance_count: defaultSearch.instanceCount,
  model_batch_size: defaultSearch.modelBatchSize,
}

/** As in Model Analyzer, what asks for rates excludes what asks for concurrencies. */
function rateSearchProblems(source: YamlSource, file: Mapping): Problem[] {
  const asked = (names: readonly string[]) =>
    names.filter((name) => file[name] !== undefined && file[name] !== false)
  const rates = asked(['request_rate_search_enable', ...rangeKeys('request_rate')])
  const closed = asked(['concurrency', ...rangeKeys('concurrency')])
  const [other] = closed
  if (other === undefined) return []
  const remedy = 'Keep one of them: a sweep tries either concurrencies or request rates.'
  return rates.map((name) => problemAt(source, [name], 'key', `stands beside ${other}`, remedy))
}

const rangeKeys = (name: string): readonly [string, string] => [
  `run_config_search_min_${name}`,
  `run_config_search_max_${name}`,
]

function rangeProblems(source: YamlSource, file: Mapping): Problem[] {
  return Object.entries(ranges).flatMap(([name, defaults]) => {
    const [least, most] = rangeKeys(name)
    const min = file[least] ?? defaults.min
    const max = file[most] ?? defaults.max
    if (typeof min !== 'number' || typeof max !== 'number' || min <= max) return []
    const path = [file[least] === undefined ? most : least]
    return [
      problemAt(
        source,
        path,
        'value',
        `the least (${min}) is above the most (${max})`,
        'Raise the one or lower the other.',
      ),
    ]
  })
}

/** Keys that have no effect, in the order of the file. */
export function ignoredKeysIn(source: YamlSource): IgnoredKey[] {
  return ignoredIn(source.value, []).map(({ path, why }) => {
    const { line } = source.placeOf(path, 'key')
    const place = line === undefined ? {} : { line }
    return { file: source.file, ...place, key: path.join('.'), why }
  })
}

function whyIgnored(path: Path): string | undefined {
  const schema = schemasAt(path).find(({ deprecated }) => deprecated)
  return schema && ignoredReason(schema.description ?? '')
}

function ignoredIn(value: unknown, path: Path): { readonly path: Path; readonly why: string }[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => ignoredIn(item, [...path, index]))
  if (!isMapping(value)) return []
  return Object.keys(value).flatMap((name) => {
    const inner = [...path, name]
    const why = whyIgnored(inner)
    return why === undefined ? ignoredIn(value[name], inner) : [{ path: inner, why }]
  })
}
