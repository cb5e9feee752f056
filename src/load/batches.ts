import type { Problem } from '../domain/error.ts'
import type { ModelConfig } from '../proto/model_config_pb.js'
import { datatypeOf } from './datatypes.ts'
import type { RowTensor } from './encode-given.ts'
import type { Step } from './inputs.ts'
import type { Tensor } from './request.ts'
import type { Row } from './rows.ts'

/** Of the tensors that are sent. */
export function rowBytes(row: Row): number {
  return [...row.inputs.values()].reduce((sum, tensor) => sum + tensor.data.length, 0)
}

/**
 * `count` requests of `batchSize` consecutive inferences each, the first following the last. What cannot be in one
 * request goes to `problems`.
 */
export function inBatches(
  config: ModelConfig,
  rows: readonly Row[],
  batchSize: number,
  count: number,
  problems: Problem[],
): Step[] {
  if (rows.length === 0) return []
  return Array.from({ length: count }, (_, index) => {
    const first = index * batchSize
    const batch = Array.from({ length: batchSize }, (__, row) => rows[(first + row) % rows.length] as Row)
    const join = joinerOf(config, batchSize, first % rows.length, problems)
    const inputs = config.input.flatMap((input) =>
      join(
        input,
        input.isShapeTensor,
        batch.map((row) => row.inputs.get(input.name)),
      ),
    )
    const outputs = batch.some((row) => row.outputs !== null)
      ? config.output.flatMap((output) =>
          join(
            output,
            output.isShapeTensor,
            batch.map((row) => row.outputs?.get(output.name)),
          ),
        )
      : []
    return { inputs, expectedOutputs: outputs.length === 0 ? null : outputs }
  })
}

/** Joins a tensor of all rows into one of the batch; none where no row has it. */
function joinerOf(config: ModelConfig, batchSize: number, firstRow: number, problems: Problem[]) {
  return (
    { name, dataType }: { readonly name: string; readonly dataType: number },
    isShapeTensor: boolean,
    parts: readonly (RowTensor | undefined)[],
  ): Tensor[] => {
    const [first] = parts
    const given = parts.filter((part) => part !== undefined)
    const same = given.every((part) => part.shape.join() === first?.shape.join())
    if (given.length > 0 && (given.length < parts.length || !same)) {
      const how = same ? 'is in some of them only' : 'has other shapes in them'
      problems.push({
        key: 'batch_sizes',
        message: `the steps from ${firstRow} on cannot be one request of batch size ${batchSize}: '${name}' ${how}`,
        remedy: 'Give such steps the same inputs and shapes, or use batch size 1.',
      })
      return []
    }
    if (first === undefined) return []
    const hasBatch = config.maxBatchSize > 0 && !isShapeTensor
    return [
      {
        name,
        datatype: datatypeOf(dataType)?.name ?? '',
        shape: hasBatch ? [batchSize, ...first.shape] : first.shape,
        // A shape tensor stands once for the whole batch.
        data: hasBatch ? Buffer.concat(given.map((part) => part.data)) : first.data,
      },
    ]
  }
}
