import { concurrentlyKey } from '../config/concurrent.ts'
import type { Config } from '../config/config.ts'
import { GateError, type Problem } from '../domain/error.ts'
import { type ModelRepository, modelClosure, type RepositoryModel } from './repository.ts'

/**
 * @throws GateError `config` with every model that cannot be under load at the same time as the others, where the
 * configuration asks for that
 */
export function checkConcurrentModels(
  { concurrently, file }: Pick<Config, 'concurrently' | 'file'>,
  repository: ModelRepository,
  models: readonly RepositoryModel[],
): void {
  if (!concurrently) return
  const problems = models.flatMap((model) => [
    ...ownProblems(model),
    ...models
      .filter(({ name }) => name !== model.name && modelClosure(repository, name).includes(model.name))
      .map(({ name }) => ({
        message: `${model.name} is also asked by ${name}, so that its own requests cannot be told apart`,
        remedy: `Measure ${name} alone: ${model.name} is part of it, and the report breaks it down.`,
      })),
  ])
  if (problems.length === 0) return
  throw new GateError('config', 'these models cannot be measured concurrently', {
    problems: problems.map((problem) => ({ file: file ?? undefined, key: concurrentlyKey, ...problem })),
  })
}

function ownProblems({ name, config }: RepositoryModel): Pick<Problem, 'message' | 'remedy'>[] {
  const remedy = `Take ${name} out of profile_models, and measure it by a configuration of its own.`
  if (config?.schedulingChoice.case === 'sequenceBatching') {
    const message = `${name} is stateful (sequence_batching): its sequences go on after a block’s end, beside the next one’s`
    return [{ message, remedy }]
  }
  if (config?.modelTransactionPolicy?.decoupled === true) {
    const message = `${name} is decoupled: a request may be answered for longer than the others’ load goes on`
    return [{ message, remedy }]
  }
  return []
}
