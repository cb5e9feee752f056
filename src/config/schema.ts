import { z } from 'zod'
import { nsPerSecond } from '../domain/world.ts'
import { defaultPerfAnalyzer } from './defaults.ts'
import { ignoredKeys, ignoredShape } from './ignored-keys.ts'
import { gateSection } from './schema-gate.ts'
import { composingEntry, loadKeys, modelEntry, sharedKeys } from './schema-model.ts'
import { searchKeys } from './schema-search.ts'
import { tritonKeys } from './schema-triton.ts'
import { key, positiveNumber, stringList } from './values.ts'

/** Names that are safe as folder names and in Triton's requests. */
export const modelName = z
  .string()
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/)
  .meta({ title: 'model name' })

/**
 * Models with what is said of each, as Model Analyzer takes them: names in a text or a list, a map of name to settings, or a
 * list of names and such maps.
 */
function modelsWith<Settings extends object>(entry: z.ZodType<Settings>, least: number, title: string) {
  type Models = Record<string, Settings>
  const nothing = () => entry.parse({})
  const entries = (names: readonly string[]): Models =>
    Object.fromEntries(names.map((name) => [name, nothing()]))
  const map = z.record(
    modelName,
    entry.nullable().transform((own): Settings => own ?? nothing()),
  )
  const list = z.array(z.union([modelName, map])).min(least)
  return z
    .union([
      z
        .string()
        .transform((text) => text.split(',').map((name) => name.trim()))
        .pipe(z.array(modelName))
        .transform(entries),
      list.transform((items, context): Models => {
        const maps = items.map((item) => (typeof item === 'string' ? entries([item]) : item))
        const made: Models = Object.fromEntries(maps.flatMap((each) => Object.entries(each)))
        const settled = maps.filter((_, index) => typeof items[index] !== 'string').flatMap(Object.keys)
        for (const name of new Set(settled)) {
          if (maps.filter((each) => Object.hasOwn(each, name)).length === 1) continue
          const remedy = 'Keep one of them, with all that is said of the model.'
          context.addIssue({ code: 'custom', message: `${name} stands there twice`, params: { remedy } })
        }
        return made
      }),
      map,
    ])
    .refine((models) => Object.keys(models).length >= least, 'names no model')
    .meta({ title })
}

type ModelEntry = z.output<typeof modelEntry>
type ComposingEntry = z.output<typeof composingEntry>

const profileModels = modelsWith<ModelEntry>(
  modelEntry,
  1,
  '"a,b", list, or map of model to its settings; a list may hold such maps',
)
/** Like `profile_models`; of the settings those that say what is tried. */
const composingModels = modelsWith<ComposingEntry>(
  composingEntry,
  0,
  '"a,b", list, or map of model to settings; a list may hold such maps',
)

/**
 * The configuration file: Model Analyzer's keys with their meaning, and the section `gate`. From this one
 * schema come the reader, the JSON Schema for editors and the table in the documentation.
 */
export const fileSchema = z.strictObject({
  model_repository: key(z.string().min(1), 'The folder with the models, relative to the working directory.'),
  profile_models: key(
    profileModels,
    'The models to gate, with settings of their own; by default every model.',
  ),
  run_config_profile_models_concurrently_enable: key(
    z.boolean(),
    'All `profile_models` are loaded on one server and under load at the same time. See docs/concurrent-models.md.',
    false,
  ),
  bls_composing_models: key(
    composingModels,
    'The models that Python code calls (business logic scripting). They are loaded with each model whose code names them, the report shows where their time goes, and the sweep varies them together with it.',
  ),
  ensemble_composing_models: key(
    composingModels,
    'Settings of composing models of ensembles. All of them are varied with their ensemble, named here or not: this says which values are tried.',
  ),
  cpu_only_composing_models: key(
    stringList,
    'Composing models to which the sweep gives instances on the CPU only (KIND_CPU), the committed configuration apart.',
  ),
  ...loadKeys,
  ...sharedKeys,
  latency_budget: key(
    positiveNumber,
    'Highest p99 latency in ms: short for constraints.perf_latency_p99.max, globally and of every model, in place of what is said there.',
  ),
  min_throughput: key(
    positiveNumber,
    'Least inferences per second: short for constraints.perf_throughput.min, in the same places.',
  ),
  ...searchKeys,
  ...tritonKeys,
  perf_analyzer_path: key(
    z.string().min(1),
    'Program started where `gate.engine` is `perf_analyzer`.',
    defaultPerfAnalyzer.path,
  ),
  perf_analyzer_timeout: key(
    positiveNumber,
    'Longest time in seconds for perf_analyzer at one load.',
    defaultPerfAnalyzer.timeoutNs / nsPerSecond,
  ),
  gate: key(gateSection, 'What Model Analyzer has no words for.'),
  ...ignoredShape(ignoredKeys),
})

export type ConfigFile = z.output<typeof fileSchema>
export type { ComposingEntry, ModelEntry }
