import { isAbsolute, join, relative, sep } from 'node:path'
import type { Config } from '../config/config.ts'
import { asGateError, GateError, type Problem } from '../domain/error.ts'
import { nearest } from '../domain/nearest.ts'
import { dataProblems } from '../load/inputs.ts'
import { type InputData, readInputs } from '../load/read-inputs.ts'
import type { ModelRepository, RepositoryModel } from '../repository/repository.ts'

/**
 * Reads what is sent to each model, once for all sides and repetitions, and checks it against the inputs that
 * config.pbtxt declares. Where it declares none, the server tells them when the model is loaded.
 *
 * @throws GateError `config` with what is wrong for any model
 */
export async function readAllInputs(
  config: Config,
  repository: ModelRepository,
  models: readonly RepositoryModel[],
): Promise<ReadonlyMap<string, InputData>> {
  const problems: Problem[] = unknownModels(config, repository)
  const inputs = new Map<string, InputData>()
  for (const model of models) {
    try {
      const data = await readInputs(config.settingsFor(model.name).input)
      inputs.set(model.name, data)
      if (model.config !== null && model.config.input.length > 0) {
        problems.push(...dataProblems(model.config, data))
      }
    } catch (error) {
      const { code, problems: found } = asGateError(error)
      if (code !== 'config' || found.length === 0) throw error
      problems.push(...found)
    }
  }
  if (problems.length > 0)
    throw new GateError('config', 'the configuration does not fit the model repository', {
      problems: unique(problems),
    })
  return inputs
}

/**
 * By model, the sha256 of what a configuration sends as another checkout of its repository has the files; null where they cannot be
 * read there. A file outside the repository is the same for every checkout.
 */
export async function inputHashes(
  config: Pick<Config, 'settingsFor'>,
  models: readonly string[],
  { root, checkout }: { readonly root: string; readonly checkout: string },
): Promise<Record<string, string | null>> {
  const placed = (path: string) => {
    const inside = relative(root, path)
    return isAbsolute(inside) || inside.split(sep)[0] === '..' ? path : join(checkout, inside)
  }
  const hashes: Record<string, string | null> = {}
  for (const model of models) {
    const { input } = config.settingsFor(model)
    const sources = Object.entries(input.sources).map(([name, source]) => [
      name,
      source.kind === 'file' ? { ...source, path: placed(source.path) } : source,
    ])
    const there = { ...input, files: input.files.map(placed), sources: Object.fromEntries(sources) }
    hashes[model] = await readInputs(there).then(
      ({ sha256 }) => sha256,
      () => null,
    )
  }
  return hashes
}

function unknownModels(config: Config, repository: ModelRepository): Problem[] {
  const known = [...repository.models.keys()]
  const named = [
    ...config.inputModels.map((name) => ({ name, section: 'gate.inputs' })),
    ...config.demandModels.map((name) => ({ name, section: 'gate.demand' })),
  ]
  return named
    .filter(({ name }) => !known.includes(name))
    .map(({ name, section }) => {
      const meant = nearest(name, known)
      const remedy = meant === undefined ? `It has: ${known.join(', ')}.` : `Did you mean "${meant}"?`
      const key = `${section}.${name}`
      return { file: config.file ?? undefined, key, message: 'the repository has no such model', remedy }
    })
}

/** A file that several models share is told once. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
}
