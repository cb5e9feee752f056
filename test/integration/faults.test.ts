// What can go wrong while measuring: each has its name, the server's words and a next step, and costs nothing else.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/load-config.ts'
import { type Measurements, measurementsSchema } from '../../src/domain/measurements.ts'
import type { Result } from '../../src/domain/result.ts'
import { nsPerSecond, type World } from '../../src/domain/world.ts'
import { runGate } from '../../src/gate.ts'
import { resolveTriton } from '../../src/triton/launcher.ts'
import { startServer } from '../../src/triton/server.ts'
import { untilNoneNames } from '../support/cli.ts'
import {
  embeddedLauncher,
  embeddedSettings,
  testWorld,
  writePythonModel,
} from '../support/embedded-triton.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-faults-'))
const repository = join(root, 'models')
afterAll(() => rmSync(root, { recursive: true }))

function gate(world: World, modelRepository: string, outputDirectory: string): Promise<Result> {
  const yaml =
    'concurrency: 1\ngate: { repetitions: 2, warmup_seconds: 0.1, measurement_seconds: 0.3, model_load_timeout: 10s }\n'
  const config = readConfig(yaml, 'triton-perf-gate.yml', { runConfigSearchMode: 'off' })
  return runGate(world, {
    config: { ...config, triton: { ...embeddedSettings, loadTimeoutNs: 10 * nsPerSecond } },
    modelRepository,
    mode: 'gate',
    baseline: { status: 'notRequested' },
    reference: null,
    outputDirectory,
    resume: null,
    commit: null,
    runId: null,
  })
}

function measurementsIn(folder: string): Measurements {
  return measurementsSchema.parse(JSON.parse(readFileSync(join(folder, 'measurements.json'), 'utf8')))
}

/** A model.py around the body of `execute`, called with `self.calls` counting from 1. */
const executing = (body: string): string => `
import os
import signal
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    calls = 0

    def execute(self, requests):
        self.calls += 1
        time.sleep(0.002)
${body.replaceAll(/^/gm, '        ')}

    def add_one(self, request):
        x = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
        return pb_utils.InferenceResponse([pb_utils.Tensor("Y", x + 1)])

    def three(self, request):
        return pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.zeros(3, dtype=np.float32))])

    def double(self, request):
        return pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.zeros(4, dtype=np.float64))])
`
const well = 'return [self.add_one(request) for request in requests]'
const initializing = (body: string): string => `
import time


class TritonPythonModel:
    def initialize(self, args):
        ${body}

    def execute(self, requests):
        return []
`

/** Models with what measurements.json says of them: of the model where it never loads, else of its scenario. */
const misbehaving = {
  a_well: { python: executing(well), says: null, hint: null },
  hangs_while_loading: {
    python: initializing('time.sleep(600)'),
    says: /model 'hangs_while_loading' did not load: no answer to RepositoryModelLoad within 10 s/,
    hint: /raise gate.model_load_timeout/,
  },
  fails_while_loading: {
    python: initializing('raise ValueError("the weights are missing")'),
    says: /model 'fails_while_loading' did not load: .*ValueError: the weights are missing/s,
    hint: null,
  },
  dies_mid_window: {
    python: executing(
      `if self.calls == 120:\n    print("about to go", flush=True)\n    os.kill(os.getppid(), signal.SIGKILL)\n${well}`,
    ),
    says: /the candidate's server ended while it was measured/,
    hint: /server\.log/,
  },
  fails_half_of_requests: {
    python: executing(
      `if self.calls % 2:\n    error = pb_utils.TritonError("odd calls are refused")\n    return [pb_utils.InferenceResponse(error=error) for _ in requests]\n${well}`,
    ),
    says: /concurrency 1: failed_requests: \d+ of \d+ \(.* × \d+\): .*odd calls are refused/,
    hint: null,
  },
  answers_in_the_wrong_shape: {
    python: executing(well.replace('add_one', 'three')),
    says: /concurrency 1: failed_requests: (\d+) of \1 \(wrong_output × \1\): wrong_output: output 'Y' has shape \[3\], the model's configuration says \[4\]/,
    hint: null,
  },
  answers_in_another_type_now_and_then: {
    python: executing(
      `if self.calls % 20 == 0:\n    return [self.double(request) for request in requests]\n${well}`,
    ),
    says: /concurrency 1: failed_requests: \d+ of \d+ \(wrong_output × \d+\): wrong_output: output 'Y' is FP64, the model's configuration says FP32/,
    hint: null,
  },
  z_well: { python: executing(well), says: null, hint: null },
} as const

describe('models that misbehave', () => {
  const output = join(root, 'out')
  let result: Result
  beforeAll(async () => {
    // One after the other: Triton 2.51 itself crashes of failing batches.
    const config = `
backend: "python"
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: 1, kind: KIND_CPU }]
`
    for (const [name, { python }] of Object.entries(misbehaving))
      writePythonModel(repository, name, { python, config })
    result = await gate(testWorld(), repository, output)
  })

  test.each(Object.entries(misbehaving))('%s', (name, { says, hint }) => {
    const model = measurementsIn(output).models.find((each) => each.name === name)
    const [scenario] = model?.scenarios ?? []
    if (says === null) {
      expect(model?.status).toBe('measured')
      expect(scenario).toMatchObject({ status: 'measured' })
      expect(scenario?.metrics.inferPerSec?.value).toBeGreaterThan(0)
    } else {
      expect(`${model?.error?.message} ${scenario?.error}`).toMatch(says)
      expect(model?.error?.hint ?? '').toMatch(hint ?? /(?:)/)
    }
  })

  test('none of them passes, and no server is left', async () => {
    expect(result.verdict.outcome).toBe('invalid')
    await untilNoneNames(repository)
  })
})

describe.concurrent('servers that misbehave', () => {
  test.each([
    ['silent', /was not ready after 2 s/],
    ['http1', /was not ready after 2 s: .*Protocol error/],
    ['html', /was not ready after 2 s: .*without gRPC status/],
    ['nonsense', /was not ready after 2 s: .*message parsing error/],
  ])('%s', async (kind, says) => {
    const script = new URL('../support/stand-in-server.mjs', import.meta.url).pathname
    const serverPath = join(root, `tritonserver-${kind}`)
    writeFileSync(serverPath, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 })
    const world = testWorld()
    const served = join(root, `served-${kind}`)
    mkdirSync(served)
    const launcher = await resolveTriton(world, {
      ...embeddedSettings,
      mode: 'local',
      serverPath,
      serverFlags: { 'allow-metrics': 'false' },
      serverEnvironment: { STAND_IN: kind },
      startTimeoutNs: 2 * nsPerSecond,
    })
    await expect(startServer(world, launcher, { repository: served })).rejects.toMatchObject({
      code: 'server',
      message: expect.stringMatching(says),
      hint: expect.stringContaining(`stand-in: ${kind}`),
    })
    await untilNoneNames(serverPath)
  })

  test('one that takes no signal is killed', async () => {
    const world = testWorld()
    const served = join(root, 'served-stopped')
    mkdirSync(served)
    const server = await startServer(world, await embeddedLauncher(world), { repository: served })
    // A stopped process takes no SIGTERM, nor does it answer.
    for (const pid of server.pids()) process.kill(pid, 'SIGSTOP')
    await server.stop()
    expect(server.hasExited()).toBe(true)
    await untilNoneNames(served)
  })
})

test('a disk that fills up: said, and what was measured before is on it', async (ctx) => {
  const disk = join(root, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    process.stderr.write(`SKIPPED, no small disk can be mounted: ${error}\n`)
    ctx.skip('mounting a small disk needs root')
  }
  try {
    const models = join(root, 'one')
    writePythonModel(models, 'm', { python: executing(well) })
    const world = testWorld()
    const filling: World = {
      ...world,
      progress: (message) => {
        if (!message.includes('repetition 2 of 2')) return
        try {
          // What fits is written before it fails.
          writeFileSync(join(disk, 'filling'), Buffer.alloc(2 ** 21))
        } catch (error) {
          world.progress(`the disk is full now: ${error}`)
        }
      },
    }
    await expect(gate(filling, models, disk)).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(/measurements\.json cannot be written: ENOSPC/),
      hint: expect.stringContaining('Free some space'),
    })
    const [model] = measurementsIn(disk).models
    expect(model?.scenarios[0]?.repetitions).toHaveLength(1)
  } finally {
    execFileSync('umount', [disk])
  }
})
