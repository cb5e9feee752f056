import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome, Result } from '../domain/result.ts'
import { annotationsOf } from './annotations.ts'

const workspace = mkdtempSync(join(tmpdir(), 'tpg-annotations-'))
const models = join(workspace, 'models')
beforeAll(() => {
  mkdirSync(join(models, 'ocr'), { recursive: true })
  writeFileSync(join(models, 'ocr/config.pbtxt'), '')
  writeFileSync(join(workspace, 'config.pbtxt'), '')
})
afterAll(() => rmSync(workspace, { recursive: true, force: true }))

const noLine = async () => null
type Reason = Result['verdict']['reasons'][number]
/** Only the verdict is read. */
const result = (reasons: Reason[], exitCode: number) =>
  ({ verdict: { outcome: reasons[0]?.outcome ?? 'pass', exitCode, reasons } }) as unknown as Result
const reason = (outcome: Outcome, message = 'm', model?: string): Reason => ({
  outcome,
  message,
  ...(model === undefined ? {} : { model }),
})

test('a pass needs no annotation', async () => {
  expect(await annotationsOf(result([reason('pass')], 0), models, workspace, noLine)).toEqual([])
})

test('the worst comes first, on the config.pbtxt of its model, with the next step', async () => {
  const reasons = [
    reason('inconclusive'),
    reason('pass'),
    { ...reason('fail', 'p99 +20 %', 'ocr'), next: 'look' },
  ]
  const asked: string[] = []
  const lineOf = async (path: string) => {
    asked.push(path)
    return 12
  }
  expect(await annotationsOf(result(reasons, 1), 'models', workspace, lineOf)).toEqual([
    {
      level: 'error',
      title: 'Performance gate fail: ocr',
      message: 'p99 +20 %\nlook',
      file: 'models/ocr/config.pbtxt',
      startLine: 12,
    },
    { level: 'error', title: 'Performance gate inconclusive', message: 'm' },
  ])
  expect(asked).toEqual([join(workspace, 'models/ocr/config.pbtxt')])
})

test('an inconclusive that the policy lets pass is a warning', async () => {
  const [annotation] = await annotationsOf(result([reason('inconclusive')], 0), models, workspace, noLine)
  expect(annotation?.level).toBe('warning')
})

test.each(['..', '../models/ocr', 'ocr/', 'unknown'])('a model named %j gets no file', async (name) => {
  const [annotation] = await annotationsOf(result([reason('fail', 'm', name)], 1), models, workspace, noLine)
  expect(annotation).toBeDefined()
  expect(annotation).not.toHaveProperty('file')
})

test('at most ten, and the last says how many more', async () => {
  const reasons = Array.from({ length: 25 }, (_, index) =>
    reason(index === 24 ? 'invalid' : 'fail', `reason ${index}`),
  )
  const annotations = await annotationsOf(result(reasons, 3), models, workspace, noLine)
  expect(annotations).toHaveLength(10)
  expect(annotations[0]?.message).toBe('reason 24')
  expect(annotations[9]?.message).toBe('16 more reasons stand in the job summary.')
})
