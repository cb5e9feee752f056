import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Result } from '../domain/result.ts'
import { outputsOf } from './outputs.ts'
import { gateFiles, resultArtifactName, upload } from './upload.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-upload-'))
const startedMs = Date.now()
beforeAll(() => {
  mkdirSync(join(root, 'best-config'))
  mkdirSync(join(root, 'models'))
  const names = ['result.json', 'report.md', 'report.html', 'server.log', 'best-config/ocr.patch']
  for (const name of [...names, '.env', 'secrets.json', 'models/result.json', 'baseline.json']) {
    writeFileSync(join(root, name), 'x')
  }
  utimesSync(join(root, 'baseline.json'), new Date(0), new Date(0))
  symlinkSync('/etc/passwd', join(root, 'measurements.json'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const uploads = (answer: () => Promise<{ digest?: string }>) =>
  upload({ uploadArtifact: answer }, 'a', ['f'], '/')

test('only what this run of the gate has written is its own: no link, nothing older, nothing else', () => {
  const names = gateFiles(root, startedMs).map((path) => path.slice(root.length + 1))
  expect(names).toEqual(['best-config/ocr.patch', 'report.html', 'report.md', 'result.json', 'server.log'])
  expect(gateFiles(join(root, 'no-such-folder'), startedMs)).toEqual([])
})

test('outputs name the files that were written, and no earlier run’s', () => {
  const result = {
    verdict: { outcome: 'pass' },
    baseline: { status: 'found', commit: 'abc' },
  } as unknown as Result
  expect(outputsOf(result, root, gateFiles(root, startedMs))).toEqual({
    verdict: 'pass',
    'report-path': join(root, 'report.md'),
    'result-path': join(root, 'result.json'),
    'baseline-path': '',
    'best-config-path': join(root, 'best-config'),
    'baseline-sha': 'abc',
  })
})

test('without a result the verdict is invalid', () => {
  expect(outputsOf(null, root, [])).toEqual({
    verdict: 'invalid',
    'report-path': '',
    'result-path': '',
    'baseline-path': '',
    'best-config-path': '',
    'baseline-sha': '',
  })
})

test('each key has an artifact of its own', () => {
  expect(resultArtifactName('default')).toBe('triton-perf-gate-result')
  expect(resultArtifactName('a100')).toBe('triton-perf-gate-result-a100')
})

test('how the upload went is an outcome', async () => {
  expect(await uploads(async () => ({ digest: 'd' }))).toEqual({ status: 'uploaded', name: 'a', digest: 'd' })
  expect(await uploads(() => Promise.reject(new Error('reset')))).toEqual({
    status: 'failed',
    name: 'a',
    why: 'reset',
  })
  const onServer = Object.assign(new Error('not supported on GHES'), { name: 'GHESNotSupportedError' })
  expect(await uploads(() => Promise.reject(onServer))).toMatchObject({ status: 'unsupported' })
})
