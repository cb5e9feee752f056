// TLS with a client certificate, and a restricted protocol, on the real server: control plane and load connections.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EndpointSettings } from '../../src/config/config.ts'
import { defaultRequests, defaultTriton } from '../../src/config/defaults.ts'
import { asGateError, type GateError } from '../../src/domain/error.ts'
import type { Load } from '../../src/domain/load.ts'
import { type LaunchedProcess, nsPerMs, nsPerSecond, type World } from '../../src/domain/world.ts'
import { openLoadGenerator } from '../../src/load/generator.ts'
import { configurationOf } from '../../src/model-config/configuration.ts'
import { attachModel, openServer } from '../../src/profile/side.ts'
import { resolveRemote } from '../../src/triton/launcher-remote.ts'
import { freePorts } from '../../src/triton/ports.ts'
import { makeCertificates, type TestCertificates } from '../support/certificates.ts'
import {
  embeddedLauncher,
  embeddedSettings,
  testWorld,
  writePythonModel,
} from '../support/embedded-triton.ts'
import { madeInputs } from '../support/input-data.ts'

const secret = 'do-not-print-me'
const header = 'triton-grpc-protocol-pass'

let world: World
let folder: string
let launched: LaunchedProcess
let cleanUp: () => Promise<void>
let certificates: TestCertificates
let port: number

beforeAll(async () => {
  world = testWorld()
  folder = mkdtempSync(join(tmpdir(), 'tpg-tls-'))
  const repository = join(folder, 'models')
  writePythonModel(repository, 'add_one')
  certificates = makeCertificates(folder)
  const launcher = await embeddedLauncher(world, {
    serverFlags: {
      'load-model': 'add_one',
      'grpc-use-ssl': 'true',
      'grpc-use-ssl-mutual': 'true',
      'grpc-server-cert': certificates.server.certificate,
      'grpc-server-key': certificates.server.key,
      'grpc-root-cert': certificates.ca,
      'grpc-restricted-protocol': `inference,model-config:pass=${secret}`,
    },
  })
  if (launcher.kind !== 'process') throw new Error('the embedded server is a process')
  const ports = await freePorts()
  port = ports.grpc
  const command = launcher.serverCommand(repository, ports)
  cleanUp = command.cleanUp
  launched = world.launch(command.command, command.args, { env: command.env, onLine: () => undefined })
})
afterAll(async () => {
  await launched.stop(10 * nsPerSecond)
  await cleanUp()
  rmSync(folder, { recursive: true })
})

function remote(changes: Partial<EndpointSettings>, host = '127.0.0.1', startTimeoutNs = 60 * nsPerSecond) {
  const settings = {
    ...embeddedSettings,
    mode: 'remote' as const,
    url: `grpcs://${host}:${port}`,
    startTimeoutNs,
    endpointSettings: {
      ...defaultTriton.endpointSettings,
      rootCertificatesFile: certificates.ca,
      privateKeyFile: certificates.client.key,
      certificateChainFile: certificates.client.certificate,
      metadata: { [header]: { env: 'PASS' } },
      ...changes,
    },
  }
  return openServer(
    { world, launcher: resolveRemote(settings, { PASS: secret }), serverLog: () => () => undefined },
    'candidate',
    '',
  )
}

const refusal = (attempt: Promise<unknown>): Promise<GateError> =>
  attempt.then(
    () => {
      throw new Error('it was let in')
    },
    (error: unknown) => asGateError(error),
  )

test('with certificates and key the control plane and the load both get through', async () => {
  const live = await remote({})
  const generator = await openLoadGenerator(world)
  try {
    const resolved = await live.client.modelConfig('add_one')
    const settings = { input: madeInputs(), requests: defaultRequests }
    const context = { generator, requestDeadlineNs: 10 * nsPerSecond }
    const model = attachModel(context, live, resolved, configurationOf(resolved, true), settings)
    const load: Load = { mode: 'concurrency', concurrency: 2 }
    const window = await generator.run(await model.target(load), load, {
      leadInNs: 0,
      durationNs: 200 * nsPerMs,
      minRequests: 12,
      maxDurationNs: 60 * nsPerSecond,
    })
    expect(window.failures).toEqual({})
    expect(window.latenciesNs.length).toBeGreaterThan(10)
    await model.detach()
  } finally {
    await generator.close()
    await live.close()
  }
})

test('without the key, or with a wrong one, calls are refused and the key stands in no message', async () => {
  for (const metadata of [{}, { [header]: 'wrong-and-secret' }]) {
    const live = await remote({ metadata })
    const error = await refusal(live.client.modelConfig('add_one'))
    expect(error.message).toContain('protocol is restricted')
    expect(JSON.stringify([error.message, error.hint, error.problems])).not.toMatch(
      /wrong-and-secret|do-not-print/,
    )
    await live.close()
  }
})

test('an authority that does not vouch for the server ends the run at once and says what to check', async () => {
  const before = world.nowNs()
  const error = await refusal(remote({ rootCertificatesFile: certificates.otherCa }))
  expect(world.nowNs() - before).toBeLessThan(30 * nsPerSecond)
  expect(error.code).toBe('server')
  expect(error.message).toMatch(/certificate/)
  expect(error.hint).toContain('ssl-grpc-root-certifications-file')
})

test('without the client certificate that it asks for, the server lets nobody in', async () => {
  const error = await refusal(
    remote({ privateKeyFile: null, certificateChainFile: null }, '127.0.0.1', 3 * nsPerSecond),
  )
  expect(error.code).toBe('server')
})
