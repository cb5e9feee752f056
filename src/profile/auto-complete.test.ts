import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readModelRepository } from '../repository/repository.ts'
import { isComplete } from './auto-complete.ts'

const root = mkdtempSync(join(tmpdir(), 'tpg-complete-'))
afterAll(() => rmSync(root, { recursive: true }))

const io = `
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
`
const plain = 'class TritonPythonModel:\n    def execute(self, requests):\n        return []\n'
const completing = `${plain}    @staticmethod\n    def auto_complete_config(config):\n        return config\n`

interface Case {
  readonly config: string
  readonly files?: Readonly<Record<string, string>>
  /** The config.pbtxt of a second model with the same files. */
  readonly other?: string
}

const ensembleOf = (step: string) => `platform: "ensemble"${io}
ensemble_scheduling { step [{ model_name: "${step}", model_version: -1,
  input_map { key: "X" value: "X" }, output_map { key: "Y" value: "Y" } }] }`

test.each<[string, boolean, Case]>([
  ['all is given, and the code completes nothing', true, { config: `backend: "python"${io}` }],
  ['the code completes it', false, { config: `backend: "python"${io}`, files: { 'model.py': completing } }],
  [
    'another file of the code does',
    false,
    { config: `backend: "python"${io}`, files: { 'model.py': plain, 'base.py': completing } },
  ],
  ['there is no code', false, { config: `backend: "python"${io}`, files: { 'model.bin': '' } }],
  ['no outputs are given', false, { config: `backend: "python"${io.split('output')[0]}` }],
  ['it is another backend', false, { config: `backend: "onnxruntime"${io}` }],
  ['the backend is left to be guessed', false, { config: io }],
  [
    'it is an ensemble of complete models',
    true,
    { config: ensembleOf('other'), other: `backend: "python"${io}` },
  ],
  [
    'it is an ensemble of another backend',
    false,
    { config: ensembleOf('other'), other: `backend: "dali"${io}` },
  ],
])('%s: %s', async (words, expected, { config, other, files = { 'model.py': plain } }) => {
  const repository = join(root, words.replaceAll(' ', '_'))
  for (const [model, text] of Object.entries({ m: config, ...(other === undefined ? {} : { other }) })) {
    mkdirSync(join(repository, model, '1'), { recursive: true })
    writeFileSync(join(repository, model, 'config.pbtxt'), text)
    for (const [name, code] of Object.entries(files)) writeFileSync(join(repository, model, '1', name), code)
  }
  expect(await isComplete(await readModelRepository(repository), 'm')).toBe(expected)
})
