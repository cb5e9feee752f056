import { readFile } from 'node:fs/promises'
import { filesOf } from '../repository/changes.ts'
import { type ModelRepository, modelClosure, type RepositoryModel } from '../repository/repository.ts'

/** Triton then takes a configuration as it is given. */
export const withoutAutoComplete = '--disable-auto-complete-config'

/**
 * Whether Triton's completing of the configurations of a model, and of those it needs, changes nothing, and can be left out: it is most
 * of a load with the python backend, which starts a process of the model for it. That calls `auto_complete_config` where the
 * model's code has it, and does nothing else. Of other backends it is not known.
 */
export async function isComplete(repository: ModelRepository, name: string): Promise<boolean> {
  const models = modelClosure(repository, name).map((each) => repository.models.get(each))
  for (const model of models)
    if (model === undefined || !(await isCompleteAlone(repository, model))) return false
  return true
}

async function isCompleteAlone(repository: ModelRepository, model: RepositoryModel): Promise<boolean> {
  const { config } = model
  if (config === null || config.input.length === 0 || config.output.length === 0) return false
  // An ensemble has no backend that could complete it.
  if (config.schedulingChoice.case === 'ensembleScheduling') return true
  if (config.backend !== 'python') return false
  const files = await filesOf(repository, model)
  const code = files.filter(({ path }) => path.endsWith('.py'))
  const texts = await Promise.all(code.map(({ location }) => readFile(location, 'utf8')))
  return texts.length > 0 && !texts.some((text) => text.includes('auto_complete_config'))
}
