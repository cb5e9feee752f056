import { expect, test } from 'vitest'
import { readConfig } from './load-config.ts'
import type { ConfigOverrides } from './overrides.ts'

const read = (text: string, overrides: ConfigOverrides = {}) =>
  readConfig(text, 'triton-perf-gate.yml', overrides)

test('the remote server’s metrics are looked for beside it', () => {
  const { triton } = read('triton_launch_mode: remote\ntriton_grpc_endpoint: gpu1:9001')
  expect(triton).toMatchObject({
    mode: 'remote',
    url: 'grpc://gpu1:9001',
    metricsUrl: 'http://gpu1:8002/metrics',
  })
  expect(read('', { tritonUrl: 'grpcs://a:1' }).triton).toMatchObject({ mode: 'remote', url: 'grpcs://a:1' })
})

test('docker settings become arguments of docker', () => {
  const { triton } = read(
    '{ triton_docker_shm_size: 1g, triton_docker_mounts: ["/a:/b:ro"], triton_docker_labels: { x: 1 }, gpus: [0], triton_server_flags: { log-verbose: 1 } }',
  )
  expect(triton).toMatchObject({
    dockerArgs: ['--shm-size=1g', '--volume=/a:/b:ro', '--label=x=1'],
    gpus: ['0'],
    serverFlags: { 'log-verbose': '1' },
  })
  expect(read('gpus: []').triton.gpus).toEqual([])
})

test('certificates of the remote server are beside the configuration file', () => {
  const { endpointSettings } = read(
    'perf_analyzer_flags: {ssl-grpc-use-ssl: true, ssl-grpc-root-certifications-file: ca.pem}\ngate: {grpc_metadata: {k: v, s: {env: S}}}',
  ).triton
  expect(endpointSettings).toMatchObject({ useSsl: true, metadata: { k: 'v', s: { env: 'S' } } })
  expect(endpointSettings.rootCertificatesFile).toMatch(/^\/.*ca\.pem$/)
})
