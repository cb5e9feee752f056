// A server that the built command line cannot reach: it says which, for how long it has tried, and where to look.
import { cpSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../../src/triton/ports.ts'
import { openCliScene } from '../support/cli-scene.ts'
import { examples } from '../support/examples.ts'

const { root, write, tpg, remove } = openCliScene()
afterAll(remove)

const onModels = 'run --model-repository models --output out'
beforeAll(() => {
  cpSync(join(examples, 'model_repository/add_sub'), join(root, 'models/add_sub'), { recursive: true })
  write('remote.yml', 'gate:\n  server_start_timeout: 2s\n')
})

test('a remote server that cannot be reached', async () => {
  const { grpc } = await freePorts()
  const url = `grpc://127.0.0.1:${grpc}`
  const result = await tpg(`${onModels} --config remote.yml --triton remote --triton-url ${url}`)
  expect(result.stderr).toContain(`Triton (remote: ${url}) was not ready after 2 s`)
  expect(result.stderr).toContain('Is its gRPC port reachable from here?')
  expect(result.exitCode).toBe(3)
})

test('a remote server that accepts and never answers', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = silent.address() as { port: number }
    const result = await tpg(`${onModels} --config remote.yml --triton-url grpc://127.0.0.1:${port}`)
    expect(result.stderr).toContain('was not ready after 2 s')
    expect(result.exitCode).toBe(3)
  } finally {
    silent.close()
  }
})

test('measure on a server that is not there ends with the reason', async () => {
  const { grpc } = await freePorts()
  const result = await tpg(`measure --triton-url grpc://127.0.0.1:${grpc} --model x --output none.json`)
  expect(result.stderr).toContain(`Triton (remote: grpc://127.0.0.1:${grpc}) was not ready after 10 s`)
  expect(result.exitCode).toBe(3)
})
