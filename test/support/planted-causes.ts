import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/load-config.ts'
import type { Result } from '../../src/domain/result.ts'
import type { World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { embeddedSettings, writePythonModel } from './embedded-triton.ts'

// A model that sleeps, slowed down by its config.pbtxt, by its code, or by both: with a known cause.

/** A side of the comparison: what its config.pbtxt says and what its code does. */
export interface PlantedSide {
  readonly instances: number
  /** A parameter of config.pbtxt that the code sleeps for. */
  readonly configMs: number
  /** A parameter that nothing reads. */
  readonly note: string
  /** Written into model.py. */
  readonly codeMs: number
  /** Lines at the head of `initialize`. */
  readonly initialize?: string
}

const config = ({ instances, configMs, note }: PlantedSide) => `
backend: "python"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: ${instances}, kind: KIND_CPU }]
parameters { key: "sleep_ms" value { string_value: "${configMs}" } }
parameters { key: "note" value { string_value: "${note}" } }
`

const python = ({ codeMs, initialize = 'pass' }: PlantedSide) => `
import json
import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        ${initialize}
        self.seconds = (${codeMs} + float(parameters["sleep_ms"]["string_value"])) / 1000

    def execute(self, requests):
        time.sleep(self.seconds * len(requests))

        def answer(request):
            x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
            return pb_utils.InferenceResponse([pb_utils.Tensor("Y", x + 1)])

        return [answer(request) for request in requests]
`

/** The gate on the two sides, real: its result, and the folder with its files until `use` has returned. */
export async function gatePlanted<T>(
  world: World,
  sides: { readonly reference: PlantedSide; readonly candidate: PlantedSide },
  use: (result: Result, folder: string) => T,
  gate = 'repetitions: 8, warmup_seconds: 0.2, measurement_seconds: 0.6, block_milliseconds: 150',
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tpg-planted-'))
  try {
    for (const [name, side] of Object.entries(sides)) {
      mkdirSync(join(folder, name))
      writePythonModel(join(folder, name), 'sleeper', { config: config(side), python: python(side) })
    }
    const yaml = `concurrency: 2\ngate: { ${gate} }\n`
    const read = readConfig(yaml, 'triton-perf-gate.yml', { runConfigSearchMode: 'off' })
    const result = await runGate(world, {
      config: { ...read, triton: embeddedSettings },
      modelRepository: join(folder, 'candidate'),
      mode: 'gate',
      baseline: { status: 'notRequested' },
      reference: { kind: 'repository', path: join(folder, 'reference') },
      outputDirectory: join(folder, 'out'),
      commit: null,
      runId: null,
      resume: null,
    })
    return use(result, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
