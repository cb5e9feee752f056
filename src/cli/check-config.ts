import { resolve } from 'node:path'
import { checkEnds } from '../config/accepted.ts'
import { findConfigFile, loadConfig, warningLines } from '../config/load-config.ts'
import { readAllInputs } from '../profile/inputs.ts'
import { checkComposingModels } from '../repository/calls.ts'
import { checkConcurrentModels } from '../repository/concurrent.ts'
import { readModelRepository, selectModels } from '../repository/repository.ts'
import { type Shell, worldOf } from './shell.ts'

/** `check-config`: the configuration file and, where one is named, the model repository; all problems at once. */
export async function checkConfig(
  shell: Shell,
  options: { readonly config?: string; readonly modelRepository?: string },
): Promise<number> {
  const file = options.config ?? findConfigFile(shell.cwd)
  const config = await loadConfig({ file, overrides: {} })
  checkEnds(config, worldOf(shell).date())
  for (const warning of warningLines(config)) shell.err(`warning: ${warning}\n`)
  shell.out(file === null ? 'no configuration file: the defaults hold\n' : `${file}: valid\n`)
  const path = options.modelRepository ?? config.modelRepository
  if (path === null) return 0
  const repository = await readModelRepository(resolve(shell.cwd, path))
  checkComposingModels(repository, config)
  const models = selectModels(repository, config.models)
  checkConcurrentModels(config, repository, models)
  await readAllInputs(config, repository, models)
  shell.out(`${path}: ${models.map((model) => model.name).join(', ')}\n`)
  return 0
}
