import type { Config, ModelSettings, SearchSettings } from '../config/config.ts'
import type { Configuration, VariedFields } from '../domain/configuration.ts'
import { batchSizeOf, type Load } from '../domain/load.ts'
import { configurationOf } from '../model-config/configuration.ts'
import type { ModelConfig } from '../proto/model_config_pb.js'
import { type ModelRepository, modelClosure, type RepositoryModel } from '../repository/repository.ts'
import { type ModelTraits, makeSpace, memberVariants } from '../search/make-space.ts'
import { type Ensemble, type Member, type Members, withLeastBatch } from '../search/members.ts'
import type { Space } from '../search/space.ts'
import { type BatchFloor, batchFloor, floorsOf } from './batch-floor.ts'
import { untriedWords, variantsOn } from './instance-kinds.ts'

interface Configured extends RepositoryModel {
  readonly config: ModelConfig
}

/** A gated model whose configurations are to be searched. */
export interface Searched {
  readonly repository: ModelRepository
  readonly model: RepositoryModel
  readonly committed: Configuration
  /** Whether its server has any GPU. */
  readonly hasGpu: boolean
}

/** What is not tried. */
interface Bounds {
  /** Below which no max_batch_size is. */
  readonly floors: readonly BatchFloor[]
  /** What was asked for and cannot be, a clause each. */
  readonly untried: readonly string[]
}

/**
 * The models that the searched one needs, by its steps and by the calls that are named, as far as they can be varied with it: each
 * has a config.pbtxt. Ensembles among them have nothing of their own, but follow.
 *
 * @param loads that are asked of the searched model
 */
export function membersOf(
  { repository, model, committed, hasGpu }: Searched,
  { composingSettingsFor }: Pick<Config, 'composingSettingsFor'>,
  mode: SearchSettings['mode'],
  loads: readonly Load[],
): Bounds & { readonly members: Members } {
  const needed = modelClosure(repository, model.name).flatMap((name) => repository.models.get(name) ?? [])
  const configured = needed.filter((each): each is Configured => each.config !== null)
  const ensembles = configured.flatMap((each) => ensembleOf(repository, each) ?? [])
  const varied = configured.flatMap((each): (Bounds & { readonly member: Member })[] => {
    if (each.name === model.name || isEnsemble(each)) return []
    const { search, cpuOnly } = composingSettingsFor(each.name)
    const own = fieldsIn(each.config)
    const over = ensembles.filter(({ steps }) => steps.some(({ name }) => name === each.name))
    const isCalled = over.length === 0 || model.called.includes(each.name)
    // Code, and an ensemble without a batch dimension, send what they send: of unknown size.
    const keepsBatch = isCalled || over.some((ensemble) => ensemble.committed.maxBatchSize === 0)
    const floor = batchFloor(repository, model.name, each.name, own, keepsBatch)
    const asked = { ...search, mode }
    const settings = withLeastBatch(asked, floor.maxBatchSize)
    const listed = memberVariants(settings, own, traitsOf(each.config, own)).slice(1)
    const { variants, untried } = variantsOn(each.config, own, listed, { cpuOnly, hasGpu })
    const member = { name: each.name, committed: own, variants: [own, ...variants] }
    return [{ member, floors: floorsOf(asked, floor), untried: untriedWords(each.name, untried) }]
  })
  return {
    members: {
      varied: varied.map(({ member }) => member),
      ensembles,
      top: model.name,
      committed,
      largestClientBatch: Math.max(1, ...loads.map(batchSizeOf)),
    },
    floors: varied.flatMap(({ floors }) => floors),
    untried: varied.flatMap(({ untried }) => untried),
  }
}

/**
 * What may be tried of a gated model itself.
 * @param loadsAllowed whether its server takes other configurations than the committed one
 */
export function ownSpace(
  { repository, model: { name, config }, committed, hasGpu }: Searched,
  { search, cpuOnly }: Pick<ModelSettings, 'search' | 'cpuOnly'>,
  loadsAllowed: boolean,
): Bounds & { readonly space: Space } {
  const floor = batchFloor(repository, name, name, committed, false)
  const settings = withLeastBatch(search, floor.maxBatchSize)
  const space = makeSpace(settings, committed, { ...traitsOf(config, committed), loadsAllowed })
  if (config === null || isEnsembleConfig(config) || !loadsAllowed || search.mode === 'off')
    return { space, floors: [], untried: [] }
  const [, ...listed] = space.configurations
  const { committed: _, ...own } = committed
  const { variants, untried } = variantsOn(
    config,
    own,
    listed.map(({ committed: __, ...fields }) => fields),
    { cpuOnly, hasGpu },
  )
  const others = variants.map((fields) => ({ ...fields, committed: false }))
  return {
    space: { ...space, configurations: [committed, ...others] },
    floors: floorsOf(search, floor),
    untried: untriedWords(name, untried),
  }
}

/** What a model allows to be changed, by its configuration. */
function traitsOf(config: ModelConfig | null, committed: VariedFields): ModelTraits {
  const scheduling = config?.schedulingChoice.case
  return {
    batching:
      committed.maxBatchSize > 0 && scheduling !== 'sequenceBatching' && scheduling !== 'ensembleScheduling',
    instances: committed.instanceCount !== null,
    loadsAllowed: true,
  }
}

function isEnsemble({ config }: RepositoryModel): boolean {
  return config !== null && isEnsembleConfig(config)
}

function isEnsembleConfig({ schedulingChoice }: ModelConfig): boolean {
  return schedulingChoice.case === 'ensembleScheduling'
}

function ensembleOf(repository: ModelRepository, model: Configured): Ensemble | null {
  if (!isEnsemble(model)) return null
  const steps = model.dependencies.map((name) => {
    const config = repository.models.get(name)?.config ?? null
    return { name, maxBatchSize: config === null ? null : fieldsIn(config).maxBatchSize }
  })
  return { name: model.name, committed: fieldsIn(model.config), steps }
}

function fieldsIn(config: ModelConfig): VariedFields {
  const { committed: _, ...fields } = configurationOf(config, true)
  return fields
}
