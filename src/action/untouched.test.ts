import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRepository, type TestRepository } from '../../test/support/github/repository.ts'
import { makeConfig } from '../../test/support/make-measurements.ts'
import { createNodeWorld } from '../system/node-world.ts'
import { readContext } from './context.ts'
import { isUntouched } from './untouched.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-untouched-'))
let repository: TestRepository
let main = ''
const world = createNodeWorld({
  progress: () => undefined,
  loadWorker: new URL('file:///none'),
  signal: new AbortController().signal,
})

beforeAll(() => {
  repository = makeRepository(join(root, 'checkout'))
  main = repository.commit('main', {
    'models/ocr/config.pbtxt':
      'name: "ocr"\nplatform: "ensemble"\nensemble_scheduling { step [ { model_name: "pre" } ] }\n',
    'models/ocr/1/.gitkeep': '',
    'models/pre/1/model.py': 'pass',
    'models/other/1/model.py': 'pass',
    'triton-perf-gate.yml': 'model_repository: models\ntriton_docker_mounts: ["assets:/assets:ro"]\n',
    'assets/dictionary.txt': 'a',
    'src/app.py': 'pass',
    '.github/workflows/gate.yml': 'on: push',
  })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** What a pull request with these files is taken for. */
async function untouched(
  files: Record<string, string | null>,
  change: {
    models?: string[]
    bls?: string[]
    event?: string
    prepare?: () => void
    afterwards?: () => void
    modelRepository?: string
    workspace?: string
    reference?: () => string
  } = {},
) {
  repository.branch(`b${Math.random()}`, main)
  change.prepare?.()
  repository.commit('change', files)
  change.afterwards?.()
  const context = readContext(
    {
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_EVENT_NAME: change.event ?? 'pull_request',
      GITHUB_SHA: main,
      GITHUB_RUN_ID: '1',
      GITHUB_WORKFLOW_REF: 'o/r/.github/workflows/gate.yml@refs/heads/main',
    },
    {},
  )
  return isUntouched(world, {
    context,
    config: { ...makeConfig({ models: change.models ?? null }), blsComposingModels: change.bls ?? [] },
    workspace: join(repository.directory, change.workspace ?? '.'),
    modelRepository: join(repository.directory, change.modelRepository ?? 'models'),
    configFile: join(repository.directory, 'triton-perf-gate.yml'),
    reference: change.reference?.() ?? main,
  })
}

test('files that belong to no model are nothing to measure', async () => {
  expect(await untouched({ 'src/app.py': '1', 'README.md': 'x' })).toEqual({
    untouched: true,
    why: 'none of the 2 changed files belongs to a model',
  })
})

test.each<[string, Record<string, string>, RegExp]>([
  ['a model', { 'models/other/1/model.py': '1' }, /^other is changed$/],
  ['a new model', { 'models/new/1/model.py': '1' }, /^new is changed$/],
  ['something beside the models', { 'models/shared.py': '1' }, /models\/shared\.py/],
  ['the configuration', { 'triton-perf-gate.yml': 'model_repository: models\n' }, /triton-perf-gate\.yml/],
  ['a configuration at the other place', { '.github/triton-perf-gate.yml': '' }, /triton-perf-gate\.yml/],
  ['the workflow', { '.github/workflows/gate.yml': '1' }, /gate\.yml/],
  ['another workflow, which may call ours', { '.github/workflows/other.yml': '1' }, /other\.yml/],
  ['an action of this repository', { '.github/actions/gate/action.yml': '1' }, /action\.yml/],
  ['how git checks files out', { '.gitattributes': '*.py eol=crlf\n' }, /\.gitattributes/],
  ['what the configuration names', { 'assets/dictionary.txt': 'b' }, /assets\/dictionary\.txt/],
])('%s is', async (_, files, why) => {
  expect(await untouched(files)).toEqual({ untouched: false, why: expect.stringMatching(why) })
})

/** A main whose configuration file reads so. */
async function withConfig<T>(
  text: string,
  files: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const before = main
  repository.checkout(main)
  const configured = { 'triton-perf-gate.yml': `model_repository: models\n${text}`, ...files }
  main = repository.commit('configure', configured)
  try {
    return await work()
  } finally {
    main = before
  }
}

test.each<[string, string, Record<string, string>, Record<string, string | null>, boolean]>([
  [
    'a path with spaces',
    'perf_analyzer_flags: { input-data: "my data/in put.json" }',
    { 'my data/in put.json': '1' },
    { 'my data/in put.json': '2' },
    false,
  ],
  [
    'a mount with spaces',
    'triton_docker_mounts: ["my data:/data:ro"]',
    { 'my data/x': '1' },
    { 'my data/x': '2' },
    false,
  ],
  [
    'what is in a comment only',
    '# assets2/words.txt',
    { 'assets2/words.txt': '1' },
    { 'assets2/words.txt': '2' },
    true,
  ],
  [
    'a named file that is deleted',
    'perf_analyzer_flags: { input-data: gone.json }',
    { 'gone.json': '1' },
    { 'gone.json': null },
    false,
  ],
  [
    'a mounted folder that is deleted',
    'triton_docker_mounts: [gone:/gone]',
    { 'gone/a/b': '1' },
    { 'gone/a/b': null },
    false,
  ],
  ['the root, mounted', 'triton_docker_mounts: [".:/src"]', {}, { 'README.md': 'mounted' }, false],
  [
    'a folder above the root, mounted',
    'triton_docker_mounts: ["..:/src"]',
    {},
    { 'README.md': 'above' },
    false,
  ],
  [
    'beside what is named',
    'triton_docker_mounts: ["data:/data"]',
    { 'data/x': '1' },
    { 'database/x': '2' },
    true,
  ],
  [
    'a list in a flag',
    'triton_server_flags: { backend-config: "python,path=lib/py" }',
    { 'lib/py/a.py': '1' },
    { 'lib/py/a.py': '2' },
    false,
  ],
  ['the model repository by its name', 'model_repository: models', {}, { 'README.md': 'named' }, true],
])('named: %s', async (name, text, base, files, expected) => {
  const given = name.startsWith('the model repository') ? '' : text
  await withConfig(given, base, async () => {
    const found = await untouched(files)
    expect(found.untouched, found.why).toBe(expected)
  })
})

test('a mounted folder above the model repository is touched by whatever changes in it, and by nothing else', async () => {
  const files = { 'serving/models/m/1/model.py': 'pass', 'serving/lib/a.py': '1' }
  await withConfig('triton_docker_mounts: ["serving:/serving"]', files, async () => {
    const modelRepository = 'serving/models'
    expect(await untouched({ 'serving/lib/a.py': '2' }, { modelRepository })).toEqual({
      untouched: false,
      why: 'serving/lib/a.py is changed, which may matter to every model',
    })
    expect((await untouched({ 'src/app.py': 'mounts' }, { modelRepository })).untouched).toBe(true)
  })
})

test('what is named is looked for beside the file, in the root and in the working directory', async () => {
  await withConfig('triton_docker_mounts: ["./extra:/extra"]', { 'sub/extra/a': '1' }, async () => {
    expect((await untouched({ 'sub/extra/a': '2' }, { workspace: 'sub' })).untouched).toBe(false)
    expect((await untouched({ 'sub/extra/a': '2' })).untouched).toBe(true)
  })
})

test('what is named has links, or files that git does not have', async () => {
  await withConfig('triton_docker_mounts: ["data:/data"]', { 'data/x': '1' }, async () => {
    const link = () => symlinkSync('../src', join(repository.directory, 'data/link'))
    expect((await untouched({ 'src/app.py': 'linked' }, { prepare: link })).why).toContain('has links')
    const made = join(repository.directory, 'data/made.bin')
    const afterwards = () => writeFileSync(made, 'made of src')
    const found = await untouched({ 'src/app.py': 'made' }, { afterwards })
    rmSync(made)
    expect(found).toMatchObject({ untouched: false, why: expect.stringContaining('what git does not') })
  })
})

test('of gated models, what they need counts, and nothing else', async () => {
  const models = ['ocr']
  expect((await untouched({ 'models/pre/1/model.py': '2' }, { models })).untouched).toBe(false)
  expect(await untouched({ 'models/other/1/model.py': '2' }, { models })).toEqual({
    untouched: true,
    why: 'none of the 1 changed file belongs to ocr or what they need',
  })
})

test('links may lead to anything', async () => {
  const prepare = () => symlinkSync('../../src', join(repository.directory, 'models/other/src'))
  expect((await untouched({ 'src/app.py': '3' }, { prepare })).untouched).toBe(false)
})

test('what git does not have may be made of anything', async () => {
  const extra = join(repository.directory, 'models/other/1/weights.bin')
  const made = () => writeFileSync(extra, 'made by an earlier step')
  const { untouched: spared, why } = await untouched({ 'src/export.py': '1' }, { afterwards: made })
  rmSync(extra)
  expect(spared, why).toBe(false)
  expect(why).toContain('what git does not')
})

test('a repository that git ignores as a whole, or that is reached through a link, is not spared', async () => {
  const ignored = join(repository.directory, 'built/a')
  const build = () => {
    mkdirSync(ignored, { recursive: true })
    writeFileSync(join(ignored, 'config.pbtxt'), 'backend: "python"')
  }
  const files = { '.gitignore': 'built\n', 'src/export.py': '2' }
  expect((await untouched(files, { afterwards: build, modelRepository: 'built' })).untouched).toBe(false)
  rmSync(join(repository.directory, 'built'), { recursive: true })
  const link = join(repository.directory, 'link')
  const prepare = () => symlinkSync('.', link)
  const through = await untouched(
    { 'models/other/1/model.py': '9' },
    { prepare, modelRepository: 'link/models' },
  )
  rmSync(link, { force: true })
  expect(through.untouched).toBe(false)
})

test('a model that code calls by a variable counts where bls_composing_models names it, or else everything does', async () => {
  const code =
    'a = "pre"\npb_utils.InferenceRequest(model_name="pre")\npb_utils.InferenceRequest(model_name=self.target)\n'
  const before = main
  repository.checkout(main)
  main = repository.commit('calls', {
    'models/ocr2/1/model.py': code,
    'models/ocr2/config.pbtxt': 'backend: "python"',
  })
  const models = ['ocr2']
  const files = { 'models/other/1/model.py': '10' }
  expect((await untouched(files, { models, bls: ['other'] })).untouched).toBe(false)
  expect((await untouched(files, { models })).untouched).toBe(false)
  main = before
})

test('only pull requests and merge groups are spared', async () => {
  expect((await untouched({ 'src/app.py': '4' }, { event: 'merge_group' })).untouched).toBe(true)
  for (const event of ['push', 'workflow_dispatch', 'schedule', 'release']) {
    expect((await untouched({ 'src/app.py': '5' }, { event })).untouched).toBe(false)
  }
})

test('a reference that git does not know leaves the doubt', async () => {
  const context = readContext(
    { GITHUB_REPOSITORY: 'o/r', GITHUB_EVENT_NAME: 'pull_request', GITHUB_SHA: main, GITHUB_RUN_ID: '1' },
    {},
  )
  const modelRepository = join(repository.directory, 'models')
  const input = {
    context,
    config: makeConfig(),
    workspace: repository.directory,
    modelRepository,
    configFile: null,
    reference: 'f'.repeat(40),
  }
  expect((await isUntouched(world, input)).untouched).toBe(false)
})

test('a reference that is the commit itself proves nothing', async () => {
  const { untouched: isOne, why } = await untouched({ 'src/app.py': 'own' }, { reference: repository.head })
  expect([isOne, why]).toEqual([false, 'the reference is the very commit that is measured'])
})
