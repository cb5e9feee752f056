import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TritonSettings } from '../../src/config/config.ts'
import { defaultTriton } from '../../src/config/defaults.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { createNodeWorld } from '../../src/system/node-world.ts'
import { connectTriton } from '../../src/triton/client.ts'
import { type Launcher, resolveTriton } from '../../src/triton/launcher.ts'
import { loadModel } from '../../src/triton/load-model.ts'
import type { TritonServer } from '../../src/triton/server.ts'
import { loadWorker } from './load-worker.ts'
import { fp32, infer, readFp32 } from './tensors.ts'

export const embeddedSettings: TritonSettings = {
  mode: 'embedded',
  url: null,
  metricsUrl: null,
  serverPath: 'tritonserver',
  image: 'triton:none',
  dockerArgs: [],
  containerEngine: 'docker',
  dockerNetwork: 'host',
  dockerUser: null,
  gpus: null,
  endpointSettings: defaultTriton.endpointSettings,
  serverFlags: {},
  serverEnvironment: {},
  startTimeoutNs: 60 * nsPerSecond,
  loadTimeoutNs: 60 * nsPerSecond,
}

/** The real world for tests against the real server. */
export function testWorld(signal: AbortSignal = new AbortController().signal): World {
  const progress = (message: string) => process.stderr.write(`${message}\n`)
  return createNodeWorld({ progress, loadWorker, signal })
}

/** The embedded Triton from the product's own cache: it is installed once on a machine, by whoever comes first. */
export function embeddedLauncher(world: World, settings: Partial<TritonSettings> = {}): Promise<Launcher> {
  return resolveTriton(world, { ...embeddedSettings, ...settings, mode: 'embedded' })
}

/** Adds a model for the python backend to a repository: one FP32 vector of 4 in (`X`), one out (`Y`). */
export function writePythonModel(
  repository: string,
  name: string,
  options: { readonly python?: string; readonly config?: string } = {},
): void {
  const file = join(repository, name, '1', 'model.py')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, options.python ?? addOneAfter(0))
  writeFileSync(join(repository, name, 'config.pbtxt'), options.config ?? vectorConfig)
}

/** A model.py that takes its time: slow enough, and the server is the bottleneck however busy the machine is. */
export const addOneAfter = (sleepMs: number): string => `
import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        time.sleep(${sleepMs / 1000})

        def answer(request):
            x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
            return pb_utils.InferenceResponse([pb_utils.Tensor("Y", x + 1)])

        return [answer(request) for request in requests]
`

export const vectorConfig = `
backend: "python"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: 1, kind: KIND_CPU }]
dynamic_batching { }
`

/** What a server makes of four numbers with its model add_one, which is loaded first. */
export async function addOne(
  world: World,
  server: TritonServer,
  numbers: readonly number[],
): Promise<readonly number[]> {
  const client = connectTriton(server.grpc)
  try {
    await loadModel(world, server, client, 'add_one', { timeoutNs: 60 * nsPerSecond })
    const outputs = await infer(client, 'add_one', [fp32('X', [1, 4], [...numbers])])
    return readFp32(outputs.get('Y'))
  } finally {
    client.close()
  }
}
