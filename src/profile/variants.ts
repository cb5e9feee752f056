import { toText } from '@bufbuild/protobuf/txtpb'
import { withField } from '../model-config/changed-fields.ts'
import { ModelConfigSchema } from '../proto/model_config_pb.js'
import { filesOf, type ModelField } from '../repository/changes.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'
import { type LaidFile, layRepository } from '../triton/linked-repository.ts'
import type { SideContext } from './side.ts'

type VariantContext = Pick<SideContext, 'world' | 'launcher'>

/** A model's config.pbtxt by its text; null where there is none. */
type ConfigOf = (model: RepositoryModel) => Pick<RepositoryModel, 'configText' | 'config' | 'dependencies'>

/**
 * The files of one repository under the config.pbtxt of another. A model that the other one does not have
 * keeps its own: there it belongs to the files.
 */
export function mixedRepository(
  context: VariantContext,
  files: ModelRepository,
  configs: ModelRepository,
  models: readonly string[],
): Promise<ModelRepository> {
  return lay(context, files, models, (model) => configs.models.get(model.name) ?? model)
}

/** The reference with one changed field of one model's config.pbtxt. @throws GateError `config` where that is none */
export function fieldRepository(
  context: VariantContext,
  reference: ModelRepository,
  candidate: ModelRepository,
  models: readonly string[],
  change: ModelField,
): Promise<ModelRepository> {
  const other = candidate.models.get(change.model)
  return lay(context, reference, models, (model) => {
    if (model.name !== change.model || model.config === null || other?.config == null) return model
    const config = withField(model.config, other.config, change)
    const { dependencies } = change.path[0] === 'ensemble_scheduling' ? other : model
    return { config, configText: toText(ModelConfigSchema, config), dependencies }
  })
}

async function lay(
  context: VariantContext,
  repository: ModelRepository,
  names: readonly string[],
  configOf: ConfigOf,
): Promise<ModelRepository> {
  const files = new Map<string, LaidFile>()
  const folders: string[] = []
  const models = names.flatMap((name) => repository.models.get(name) ?? [])
  for (const model of models) {
    // Triton wants the folder of a version even where an ensemble has nothing in it.
    folders.push(...model.versions.map((version) => `${model.name}/${version}`))
    for (const { path, location } of await filesOf(repository, model))
      files.set(`${model.name}/${path}`, { location })
    const { configText } = configOf(model)
    if (configText !== null) files.set(`${model.name}/config.pbtxt`, { text: configText })
  }
  const path = layRepository(context.world, files, folders, context.launcher.mode === 'docker')
  const laid = models.map((model) => {
    const { configText, config, dependencies } = configOf(model)
    return [model.name, { ...model, configText, config, dependencies }] as const
  })
  return { path, models: new Map(laid) }
}
