import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GateError } from '../domain/error.ts'
import { closureHash, modelClosure, readModelRepository, selectModels } from './repository.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tpg-repository-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

const ensemble = (...steps: string[]) =>
  `platform: "ensemble"\nensemble_scheduling { step [ ${steps.map((step) => `{ model_name: "${step}" }`).join(', ')} ] }\n`

const sound = {
  'pre/config.pbtxt': 'name: "pre"\n',
  'pre/1/model.py': 'pass\n',
  'rec/1/model.py': 'pass\n',
  'rec/2/model.py': 'pass # 2\n',
  'rec/10/model.py': 'pass # 10\n',
  'ocr/config.pbtxt': ensemble('pre', 'rec', 'pre'),
  'ocr/1/.gitkeep': '',
  'README.md': 'not a model',
  '.git/HEAD': 'not a model either',
}

async function refused(path = root): Promise<GateError> {
  const error = await readModelRepository(path).catch((caught: unknown) => caught)
  if (error instanceof GateError && error.code === 'config') return error
  throw error instanceof Error ? error : new Error('the repository was accepted')
}

test('reads models, versions and what an ensemble needs', async () => {
  write(sound)
  const repository = await readModelRepository(root)
  expect([...repository.models.keys()]).toEqual(['ocr', 'pre', 'rec'])
  expect(repository.models.get('rec')).toMatchObject({
    configPath: null,
    config: null,
    versions: ['1', '2', '10'],
  })
  expect(repository.models.get('ocr')).toMatchObject({
    configPath: join(root, 'ocr/config.pbtxt'),
    configText: sound['ocr/config.pbtxt'],
    dependencies: ['pre', 'rec'],
  })
})

test('load order puts each model behind what it needs', async () => {
  write({ ...sound, 'all/config.pbtxt': ensemble('ocr', 'pre'), 'all/1/.gitkeep': '' })
  const repository = await readModelRepository(root)
  expect(modelClosure(repository, 'all')).toEqual(['pre', 'rec', 'ocr', 'all'])
  expect(modelClosure(repository, 'pre')).toEqual(['pre'])
})

test('the hash is of paths and contents, of nothing else', async () => {
  write(sound)
  const hashes = async () => {
    const repository = await readModelRepository(root)
    return {
      pre: repository.models.get('pre')?.contentHash,
      rec: repository.models.get('rec')?.contentHash,
      ocr: repository.models.get('ocr')?.contentHash,
      ocrClosure: closureHash(repository, 'ocr'),
    }
  }
  const before = await hashes()
  expect(before.pre).toMatch(/^[0-9a-f]{64}$/)

  write({ 'pre/1/__pycache__/model.pyc': 'generated' })
  expect(await hashes()).toEqual(before)

  write({ 'pre/1/model.py': 'changed\n' })
  const changed = await hashes()
  expect(changed.pre).not.toBe(before.pre)
  expect(changed.ocrClosure).not.toBe(before.ocrClosure)
  expect({ rec: changed.rec, ocr: changed.ocr }).toEqual({ rec: before.rec, ocr: before.ocr })

  renameSync(join(root, 'rec/2/model.py'), join(root, 'rec/2/other.py'))
  expect((await hashes()).rec).not.toBe(before.rec)
})

test('selects in the order asked for, each once', async () => {
  write(sound)
  const repository = await readModelRepository(root)
  const names = (wanted: string[] | null) => selectModels(repository, wanted).map(({ name }) => name)
  expect(names(['rec', 'pre', 'rec'])).toEqual(['rec', 'pre'])
  expect(names(null)).toEqual(['ocr', 'pre', 'rec'])
  expect(() => names(['prex', 'nothing'])).toThrow(
    expect.objectContaining({
      code: 'config',
      problems: [
        expect.objectContaining({ key: 'prex', remedy: 'Did you mean "pre"?' }),
        expect.objectContaining({ key: 'nothing', remedy: 'It has: ocr, pre, rec.' }),
      ],
    }),
  )
})

test.each([
  ['missing', 'gone', 'cannot be read'],
  ['not a folder', 'file', 'is not a folder'],
  ['without a model', 'empty', 'has no model'],
])('a repository that is %s', async (_, name, message) => {
  write({ file: 'x', 'empty/README.md': 'x', 'empty/.git/config': 'x' })
  const error = await refused(join(root, name))
  expect(error.message).toContain(message)
  expect(error.hint).toContain('--model-repository')
})

test('a link within the repository is followed and its content hashed', async () => {
  write({ ...sound, 'copy/config.pbtxt': '' })
  symlinkSync('../rec/1', join(root, 'copy/1'))
  const repository = await readModelRepository(root)
  expect(repository.models.get('copy')?.versions).toEqual(['1'])
  const before = repository.models.get('copy')?.contentHash
  write({ 'rec/1/model.py': 'changed' })
  expect((await readModelRepository(root)).models.get('copy')?.contentHash).not.toBe(before)
})

test('all problems of all models at once, each with its place and a remedy', async () => {
  write({
    'outside.bin': 'secret',
    'models/bad name/1/model.py': '',
    'models/.hidden/config.pbtxt': '',
    'models/.hidden/1/model.py': '',
    'models/broken/config.pbtxt': 'name: "broken"\nmax_batchsize: 3\n',
    'models/broken/1/model.py': '',
    'models/renamed/config.pbtxt': '# comment\nname: "other"\n',
    'models/renamed/1/model.py': '',
    'models/flat/config.pbtxt': 'name: "flat"\n',
    'models/lfs/1/model.onnx': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
    'models/a/config.pbtxt': ensemble('b'),
    'models/a/1/.gitkeep': '',
    'models/b/config.pbtxt': ensemble('a', 'brokn'),
    'models/b/1/.gitkeep': '',
    'models/links/1/model.py': '',
  })
  symlinkSync('../../../outside.bin', join(root, 'models/links/1/weights.bin'))
  symlinkSync('nowhere', join(root, 'models/links/1/gone.bin'))
  symlinkSync('..', join(root, 'models/links/1/loop'))
  const { problems } = await refused(join(root, 'models'))
  const place = (path: string) => join(root, 'models', path)
  const expected = [
    { file: place('.hidden'), message: expect.stringContaining('not a possible model name') },
    { file: place('bad name'), message: expect.stringContaining('not a possible model name') },
    {
      file: place('broken/config.pbtxt'),
      line: 2,
      column: 1,
      message: expect.stringContaining('max_batchsize'),
    },
    { file: place('flat'), message: expect.stringContaining('no version folder') },
    { file: place('lfs/1/model.onnx'), message: expect.stringContaining('git-lfs pointer') },
    { file: place('links/1/gone.bin'), message: expect.stringContaining('leads nowhere') },
    { file: place('links/1/loop'), message: expect.stringContaining('folder that it is in') },
    { file: place('links/1/weights.bin'), message: expect.stringContaining('leaves the repository') },
    {
      file: place('renamed/config.pbtxt'),
      line: 2,
      key: 'name',
      message: expect.stringContaining('"other"'),
    },
    {
      file: place('b/config.pbtxt'),
      line: 2,
      message: expect.stringContaining('"brokn"'),
      remedy: 'Did you mean "broken"?',
    },
    { file: place('a/config.pbtxt'), message: expect.stringContaining('a → b → a') },
  ]
  expect(problems).toEqual(expected.map((problem) => expect.objectContaining(problem)))
  for (const { remedy } of problems) expect(remedy).toBeTruthy()
})
