import { expect, test } from 'vitest'
import { childEnvironment } from './child-environment.ts'

test('hides credentials and the channels of the runner', () => {
  const secrets = {
    GITHUB_TOKEN: 's',
    GH_TOKEN: 's',
    ACTIONS_RUNTIME_TOKEN: 's',
    ACTIONS_ID_TOKEN_REQUEST_URL: 's',
    'INPUT_GITHUB-TOKEN': 's',
    GITHUB_ENV: 's',
    GITHUB_PATH: 's',
    GITHUB_STEP_SUMMARY: 's',
    NPM_TOKEN: 's',
    AWS_SECRET_ACCESS_KEY: 's',
    AZURE_STORAGE_ACCOUNT_KEY: 's',
    DB_PASSWORD: 's',
    client_secret: 's',
  }
  expect(childEnvironment(secrets)).toEqual({})
})

test('keeps what programs need, and the mark by which the runner finds orphans', () => {
  const plain = {
    PATH: '/bin',
    HOME: '/root',
    LD_LIBRARY_PATH: '/lib',
    CUDA_VISIBLE_DEVICES: '0',
    DOCKER_HOST: 'unix:///s',
    RUNNER_TRACKING_ID: 'github_1',
    GITHUB_WORKSPACE: '/w',
    KEYBOARD: 'us',
    TOKENIZERS_PARALLELISM: 'false',
  }
  expect(childEnvironment(plain)).toEqual(plain)
})

test('additions win over both, and undefined removes', () => {
  const additions = { NPM_TOKEN: 'asked for', PATH: undefined, B: '2' }
  expect(
    childEnvironment({ NPM_TOKEN: 'secret', PATH: '/bin', A: '1', EMPTY: undefined }, additions),
  ).toEqual({
    NPM_TOKEN: 'asked for',
    A: '1',
    B: '2',
  })
})
