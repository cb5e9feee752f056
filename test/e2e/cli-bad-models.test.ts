// Models that go wrong under the built command line, on a real server: none is judged for what it is not.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openCliScene } from '../support/cli-scene.ts'
import { addOneAfter, writePythonModel } from '../support/embedded-triton.ts'

const { root, write, tpg, remove } = openCliScene()
afterAll(remove)

const settings = (more = '') =>
  `gate:\n  triton: embedded\n  repetitions: 2\n  warmup_seconds: 0.1\n  measurement_seconds: 0.3\n${more}`
const noSweep = '--search-mode off --time-budget 30s'

test("a model that does not load: the server's own reason, and no pass", async () => {
  writePythonModel(join(root, 'raises'), 'raises', {
    python: 'raise ValueError("the weights are missing")\n',
  })
  write('raises.yml', settings())
  const result = await tpg(`run --model-repository raises --config raises.yml ${noSweep} --output raises-out`)
  expect(result.stdout).toContain('Performance gate: invalid')
  expect(result.stdout).toContain('ValueError: the weights are missing')
  expect(result.stderr).toContain("model 'raises' did not load")
  expect(result.exitCode).toBe(3)
  expect(existsSync(join(root, 'raises-out/result.json'))).toBe(true)
  expect(existsSync(join(root, 'raises-out/baseline.json'))).toBe(false)
})

test('a load call that never answers ends at its timeout', async () => {
  const python = `
import time
class TritonPythonModel:
    def initialize(self, args):
        time.sleep(600)
    def execute(self, requests):
        return []
`
  writePythonModel(join(root, 'hangs'), 'hangs', { python })
  write('hangs.yml', settings('  model_load_timeout: 3s\n'))
  const result = await tpg(`run --model-repository hangs --config hangs.yml ${noSweep} --output hangs-out`)
  expect(result.stdout).toContain('Performance gate: invalid')
  expect(result.stderr).toMatch(/model 'hangs' did not load: .*3 s/)
  expect(result.exitCode).toBe(3)
})

test('a model that takes its server along is not judged', async () => {
  const python = `
import os
import signal
class TritonPythonModel:
    def execute(self, requests):
        os.kill(os.getppid(), signal.SIGSEGV)
        return []
`
  writePythonModel(join(root, 'crashes'), 'crashes', { python })
  write('crashes.yml', settings())
  const result = await tpg(
    `run --model-repository crashes --config crashes.yml ${noSweep} --output crashes-out`,
  )
  expect(result.stdout).toContain('Performance gate: invalid')
  expect(result.stdout).toContain('server ended while it was measured')
  expect(result.exitCode, result.stderr).toBe(3)
})

test('a model that fails every request is not judged', async () => {
  const python = `
import triton_python_backend_utils as pb_utils
class TritonPythonModel:
    def execute(self, requests):
        error = pb_utils.TritonError("no such card")
        return [pb_utils.InferenceResponse(error=error) for _ in requests]
`
  // Without batching: Triton 2.51 itself crashes of failing batches under load.
  const config = `
backend: "python"
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: 1, kind: KIND_CPU }]
`
  writePythonModel(join(root, 'fails'), 'fails', { python, config })
  write('fails.yml', settings())
  const result = await tpg(`run --model-repository fails --config fails.yml ${noSweep} --output fails-out`)
  expect(result.stdout).toContain('Performance gate: invalid')
  expect(result.stdout).toContain('no such card')
  expect(result.exitCode).toBe(3)
})

test('an input with a dynamic shape: the key to set, and an end', async () => {
  const config = `
backend: "python"
max_batch_size: 8
input [{ name: "X", data_type: TYPE_FP32, dims: [-1] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [-1] }]
instance_group [{ count: 1, kind: KIND_CPU }]
`
  writePythonModel(join(root, 'dynamic'), 'dynamic', { config })
  write('dynamic.yml', settings())
  const result = await tpg(
    `run --model-repository dynamic --config dynamic.yml ${noSweep} --output dynamic-out`,
  )
  expect(result.stderr).toContain('X')
  expect(result.stderr).toContain('perf_analyzer_flags')
  expect(result.exitCode, result.stderr).toBe(2)
})

test('a pull request that repairs a broken model is judged by its budgets', async () => {
  writePythonModel(join(root, 'broken-main'), 'm', { python: 'raise ValueError("broken on main")\n' })
  writePythonModel(join(root, 'repaired'), 'm', { python: addOneAfter(2) })
  write('repaired.yml', `latency_budget: 1000\n${settings()}`)
  const result = await tpg(
    `run --model-repository repaired --reference-repository broken-main --config repaired.yml ${noSweep} --output repaired-out`,
  )
  expect(result.stdout).not.toContain('gate: invalid')
  expect(result.stdout).toContain('perf_latency_p99')
  expect(result.exitCode, result.stdout).toBe(0)
})

test('a model that hangs ends long before the job does, and is not judged', async () => {
  const python = `
import time
class TritonPythonModel:
    def execute(self, requests):
        time.sleep(600)
        return []
`
  writePythonModel(join(root, 'sleeps'), 'sleeps', { python })
  write('sleeps.yml', `concurrency: 1\n${settings()}`)
  const result = await tpg(`run --model-repository sleeps --config sleeps.yml ${noSweep} --output sleeps-out`)
  expect(result.stdout).toContain('Performance gate: invalid')
  expect(result.stdout).toContain('deadline')
  expect(result.exitCode, result.stderr).toBe(3)
})
