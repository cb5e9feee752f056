// A baseline near the limit of what is read, through GitHub's own artifact client and the loopback GitHub and back.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { fetchBlob } from '../../src/action/blob.ts'
import { findBaseline } from '../../src/action/find-baseline.ts'
import { runStore } from '../../src/action/run-store.ts'
import { upload } from '../../src/action/upload.ts'
import { baselineFrom } from '../../src/baseline/write.ts'
import { type Baseline, maxBaselineBytes } from '../../src/domain/measurements.ts'
import { renderJson } from '../../src/report/json.ts'
import { writeWhole } from '../../src/system/write-whole.ts'
import { runtimeToken, seedArtifact } from '../support/github/artifacts.ts'
import { searchOptions } from '../support/github/run-store.ts'
import { type LoopbackGitHub, startGitHub } from '../support/github/server.ts'
import { jobToken, makeRun, newState } from '../support/github/state.ts'
import { makeZip } from '../support/github/zip.ts'
import {
  makeBaseline,
  makeMeasurements,
  makeModel,
  makePoint,
  makeRepetition,
  makeScenario,
} from '../support/make-measurements.ts'

const commit = 'a'.repeat(40)
const folder = mkdtempSync(join(tmpdir(), 'tpg-large-'))
const path = join(folder, 'baseline.json')
const runId = 55
let github: LoopbackGitHub
let written: Baseline

beforeAll(async () => {
  github = await startGitHub()
  vi.stubEnv('GITHUB_API_URL', github.url)
  vi.stubEnv('GITHUB_SERVER_URL', 'https://github.com')
  vi.stubEnv('ACTIONS_RESULTS_URL', github.url)
  vi.stubEnv('ACTIONS_RUNTIME_TOKEN', runtimeToken(runId))
  vi.stubEnv('GITHUB_WORKSPACE', folder)
  written = largest()
  // As the gate writes it.
  writeWhole(path, renderJson(written, 0))
})
beforeEach(() => {
  Object.assign(github.state, newState())
  github.state.runs.push(makeRun(runId))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await github.close()
  rmSync(folder, { recursive: true })
})

/** What the program makes of 500 models and more history than finds room: the oldest points are gone. */
function largest(): Baseline {
  const repetitions = [0, 1, 2, 3].map((index) =>
    makeRepetition(index, { latencyP99Ns: 5e6, inferPerSec: 300 }),
  )
  const names = Array.from({ length: 500 }, (_, index) => `${'a_long_name_'.repeat(11)}${index}`)
  const models = names.map((name) => makeModel(name, [makeScenario(repetitions)]))
  const history = Array.from({ length: 200 }, (_, run) =>
    names.flatMap((model) =>
      ['latencyP99Ns', 'inferPerSec'].map((metric) =>
        makePoint({
          commit: String(run).padStart(40, 'c'),
          createdAt: '2025-12-01T00:00:00.000Z',
          model,
          metric,
          value: 40e6 + run / 7,
          spread: 0.01 + run / 1e7,
        }),
      ),
    ),
  ).flat()
  const measurements = makeMeasurements(models, null, { commit })
  const next = baselineFrom(measurements, makeBaseline(models, { history }), String(runId), 0.001)
  if (next.status === 'refused') throw new Error(next.why)
  return next.baseline
}

async function find() {
  // The toolkit reads GITHUB_API_URL when it is imported.
  const { connect } = await import('../../src/action/octokit.ts')
  const octokit = connect(jobToken, { totalMs: 300_000, attemptMs: 60_000 })
  const store = runStore(octokit, { owner: 'o', name: 'r' }, (url, maxBytes) =>
    fetchBlob(url, maxBytes, 60_000),
  )
  return findBaseline(store, searchOptions)
}

test('what one run uploads the next one reads, up to the limit', { timeout: 120_000 }, async () => {
  expect(statSync(path).size).toBeGreaterThan(55 * 2 ** 20)
  expect(statSync(path).size).toBeLessThan(maxBaselineBytes)
  expect(written.history.length).toBeLessThan(200_000)
  const { DefaultArtifactClient } = await import('@actions/artifact')
  const outcome = await upload(new DefaultArtifactClient(), 'base', [path], folder)
  expect(outcome).toMatchObject({ status: 'uploaded' })
  const opened = await find()
  if (opened.status !== 'found') throw new Error(JSON.stringify(opened).slice(0, 500))
  expect(opened.baseline.history).toHaveLength(written.history.length)
  expect(opened.baseline).toEqual(written)
})

test('so does one that cannot be packed, and one byte more than is allowed is named', {
  timeout: 120_000,
}, async () => {
  const bytes = Buffer.from(renderJson(written, 0).trimEnd().padEnd(maxBaselineBytes))
  const stored = (content: Buffer) => makeZip([{ name: 'baseline.json', content, compressed: false }])
  seedArtifact(github.state, runId, 'base', stored(bytes))
  expect(await find()).toMatchObject({ status: 'found' })
  seedArtifact(github.state, runId, 'base', stored(Buffer.concat([bytes, Buffer.from(' ')])))
  expect(await find()).toMatchObject({
    status: 'untrusted',
    why: /^run 55: its artifact holds 67108865 bytes/,
  })
})
