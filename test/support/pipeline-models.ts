import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addOneAfter, vectorConfig, writePythonModel } from './embedded-triton.ts'

/** A composing model that sleeps, so that it takes no processor from the others, and answers Y = X + 1. */
interface Step {
  readonly sleepMs: number
  readonly instances?: number
}

const committed = (instances: number) => `# Owned by the team of this step.
backend: "python"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: ${instances}, kind: KIND_CPU }]  # as many as the old machine had cores
`

/** An ensemble of the steps, one after the other, each of which sleeps without a batcher. */
export function writePipeline(repository: string, name: string, steps: Readonly<Record<string, Step>>): void {
  const names = Object.keys(steps)
  for (const [step, { sleepMs, instances = 1 }] of Object.entries(steps))
    writePythonModel(repository, step, { python: addOneAfter(sleepMs), config: committed(instances) })
  const tensor = (index: number) => (index === 0 ? 'X' : index === names.length ? 'Y' : `after_${index}`)
  const step = (model: string, index: number) =>
    `{ model_name: "${model}", model_version: -1, input_map { key: "X", value: "${tensor(index)}" }, output_map { key: "Y", value: "${tensor(index + 1)}" } }`
  mkdirSync(join(repository, name, '1'), { recursive: true })
  writeFileSync(join(repository, name, '1', '.gitkeep'), '')
  writeFileSync(
    join(repository, name, 'config.pbtxt'),
    `platform: "ensemble"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
ensemble_scheduling { step [
  ${names.map(step).join(',\n  ')}
] }
`,
  )
}

/** A model whose code asks another one and waits for its answer. */
export function writeCaller(repository: string, name: string, called: string, instances: number): void {
  const python = `
import triton_python_backend_utils as pb_utils


def answer(request):
    x = pb_utils.get_input_tensor_by_name(request, "X")
    call = pb_utils.InferenceRequest(model_name="${called}", requested_output_names=["Y"], inputs=[x])
    response = call.exec()
    if response.has_error():
        return pb_utils.InferenceResponse([], error=response.error())
    return pb_utils.InferenceResponse([pb_utils.get_output_tensor_by_name(response, "Y")])


class TritonPythonModel:
    def execute(self, requests):
        return [answer(request) for request in requests]
`
  const config = vectorConfig.replace('count: 1', `count: ${instances}`).replace('dynamic_batching { }\n', '')
  writePythonModel(repository, name, { python, config })
}
