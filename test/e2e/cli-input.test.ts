// Bad input to the built command line: each is named with its place and its remedy, and ends with its exit code.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCliScene } from '../support/cli-scene.ts'
import { examples } from '../support/examples.ts'

const { root, write, tpg, remove } = openCliScene()
afterAll(remove)

beforeAll(() => {
  cpSync(join(examples, 'model_repository/add_sub'), join(root, 'models/add_sub'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  write('file', 'not a folder')
})

interface Case {
  readonly args: string
  readonly exitCode: number
  /** All of these stand in what it says. */
  readonly says: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string | undefined>>
}

const onModels = 'run --model-repository models --output out'
const brokenConfig = 'name: "broken"\nbackend: "python"\nmax_batchsize: 3\n'

const cases: Readonly<Record<string, Case>> = {
  'an unknown command': { args: 'gate', exitCode: 2, says: ["unknown command 'gate'"] },
  'a bad flag': {
    args: 'run --model-repositry models',
    exitCode: 2,
    says: ["unknown option '--model-repositry'", 'Did you mean --model-repository?'],
  },
  'a flag that is missing': {
    args: 'measure --model add_sub',
    exitCode: 2,
    says: ["required option '--triton-url <url>' not specified"],
  },
  'a choice that is none': {
    args: `${onModels} --triton kserve`,
    exitCode: 2,
    says: ["'kserve' is invalid", 'auto, embedded, local, docker, remote'],
  },
  'every bad number at once': {
    args: `${onModels} --time-budget 0s --latency-budget fast --min-throughput -3`,
    exitCode: 2,
    says: [
      '--time-budget: "0s" is not a duration',
      '300s, 5m',
      "--latency-budget: 'fast' is not a number above 0",
      "--min-throughput: '-3' is not a number above 0",
    ],
  },
  'a duration without a unit': {
    args: 'measure --triton-url grpc://127.0.0.1:1 --model m --duration 5',
    exitCode: 2,
    says: ['--duration: "5" is not a duration', '300s'],
  },
  'a concurrency that is no whole number': {
    args: 'measure --triton-url grpc://127.0.0.1:1 --model m --concurrency 1,1.5',
    exitCode: 2,
    says: ["--concurrency: '1.5' is not a whole number"],
  },
  'no model named': { args: `${onModels} --models ,`, exitCode: 2, says: ["--models: ',' names no model"] },
  'no model repository': { args: 'run --output out', exitCode: 2, says: ['no model repository is given'] },
  'a missing model repository': {
    args: 'run --model-repository absent --output out',
    exitCode: 2,
    says: [`the model repository ${join(root, 'absent')} cannot be read`, '--model-repository'],
  },
  'an empty model repository': {
    args: 'run --model-repository empty --output out',
    exitCode: 2,
    says: [`the model repository ${join(root, 'empty')} has no model`, '--model-repository'],
  },
  'a file for a model repository': {
    args: 'run --model-repository file --output out',
    exitCode: 2,
    says: [`the model repository ${join(root, 'file')} is not a folder`],
  },
  'a broken config.pbtxt': {
    args: 'run --model-repository broken --output out',
    files: { 'broken/broken/config.pbtxt': brokenConfig, 'broken/broken/1/model.py': '' },
    exitCode: 2,
    says: [`${join(root, 'broken/broken/config.pbtxt')}:3:1: `, 'max_batchsize'],
  },
  'problems of several models, all at once': {
    args: 'check-config --model-repository several',
    files: {
      'several/broken/config.pbtxt': brokenConfig,
      'several/broken/1/model.py': '',
      'several/flat/config.pbtxt': 'backend: "python"\n',
      'several/other/config.pbtxt': 'name: "else"\n',
      'several/other/1/model.py': '',
    },
    exitCode: 2,
    says: ['broken/config.pbtxt:3:1', 'flat: has no version folder', 'other/config.pbtxt:1', 'is "else"'],
  },
  'an unknown model': {
    args: `${onModels} --models add_sum`,
    exitCode: 2,
    says: ['add_sum: the repository has no such model', 'Did you mean "add_sub"?'],
  },
  'a missing configuration file': {
    args: `${onModels} --config absent.yml`,
    exitCode: 2,
    says: ['cannot read the configuration file absent.yml', '--config'],
  },
  'an unknown key of the configuration': {
    args: 'check-config --config key.yml',
    files: { 'key.yml': 'model_repository: models\nlatency_buget: 3\n' },
    exitCode: 2,
    says: ['key.yml:2:1: latency_buget: unknown key', 'Did you mean "latency_budget"?'],
  },
  'several problems of the configuration, all at once': {
    args: `${onModels} --config several.yml`,
    files: {
      'several.yml': 'latency_budget: -1\ngate:\n  repetitions: 1\n  triton: embeded\nconcurency: 4\n',
    },
    exitCode: 2,
    says: [
      'several.yml:1:17: latency_budget: expected',
      'several.yml:3:16: gate.repetitions: expected',
      'several.yml:4:11: gate.triton: "embeded" is not possible here',
      'Did you mean "embedded"?',
      'several.yml:5:1: concurency: unknown key',
      'Did you mean "concurrency"?',
    ],
  },
  'input files of the wrong size, all at once': {
    args: `${onModels} --config inputs.yml`,
    files: {
      'inputs.yml':
        'gate:\n  inputs:\n    add_sub:\n      INPUT0: { file: short.bin }\n      INPUT1: { file: halves.json }\n',
      'short.bin': '123456789',
      'halves.json': '[1.5, 2]',
    },
    exitCode: 2,
    says: [
      'short.bin: gate.inputs.add_sub.INPUT0: INPUT0: has 9 bytes, FP32 [4] needs 16 bytes',
      'halves.json: gate.inputs.add_sub.INPUT1: INPUT1: has 8 bytes, FP32 [4] needs 16 bytes',
      'in the datatype of the model',
    ],
  },
  'input data of the wrong size and of the wrong type': {
    args: `${onModels} --config steps.yml`,
    files: {
      'steps.yml': 'perf_analyzer_flags: { input-data: steps.json }\n',
      'steps.json': '{"data": [{"INPUT0": [1, 2, 3], "INPUT1": ["one"]}]}',
    },
    exitCode: 2,
    says: [
      'steps.json: data[0].INPUT0: INPUT0: has 3 elements, FP32 [4] needs 4 elements',
      'steps.json: data[0].INPUT1: INPUT1: element 0: "one" is not a number',
    ],
  },
  'an output folder that cannot be written': {
    args: 'run --model-repository models --triton embedded --output file',
    exitCode: 3,
    says: [`the output folder ${join(root, 'file')} cannot be written`, '--output'],
  },
  'a reference outside git': {
    args: `${onModels} --reference main`,
    exitCode: 2,
    says: ['models is not in a git repository, so main cannot be checked out', '--reference-repository DIR'],
  },
  'two references': {
    args: `${onModels} --reference main --reference-repository empty`,
    exitCode: 2,
    says: ['--reference and --reference-repository exclude each other'],
  },
  'a reference repository that is missing': {
    args: `${onModels} --reference-repository absent`,
    exitCode: 2,
    says: [`the model repository ${join(root, 'absent')} cannot be read`],
  },
  'no Triton anywhere': {
    args: onModels,
    env: { PATH: '' },
    exitCode: 3,
    says: ['no Triton was found', "no 'tritonserver' on PATH", 'docker', '`--triton embedded`'],
  },
  'no local tritonserver': {
    args: `${onModels} --triton local`,
    env: { PATH: '' },
    exitCode: 3,
    says: ["no executable 'tritonserver' was found", '`--triton docker`'],
  },
  'an address that is none': {
    args: `${onModels} --triton-url http://127.0.0.1:8000`,
    exitCode: 2,
    says: ["'http://127.0.0.1:8000' is not the address of a Triton gRPC endpoint", 'grpc://host:8001'],
  },
  'a reference on a remote server': {
    args: `${onModels} --triton-url grpc://127.0.0.1:1 --reference-repository models`,
    exitCode: 2,
    says: ['a reference cannot be measured on a remote server', '--baseline'],
  },
  'a result that is none': {
    args: 'report --result result.txt',
    files: { 'result.txt': 'verdict: pass' },
    exitCode: 3,
    says: ['result.txt is not JSON'],
  },
  'a result that is missing': {
    args: 'report --result absent.json',
    exitCode: 2,
    says: ['absent.json cannot be read'],
  },
  'another file for a result': {
    args: 'report --result schema.json',
    files: { 'schema.json': '{"kind": "baseline", "schemaVersion": 1}' },
    exitCode: 3,
    says: ['schema.json is not a result file of this version', 'kind: ', 'Name a result.json'],
  },
  'another file for measurements': {
    args: 'compare --measurements kind.json',
    files: { 'kind.json': '{"kind": "result", "schemaVersion": 1}' },
    exitCode: 3,
    says: ['kind.json is not a measurements file of this version', 'kind: '],
  },
}

test.each(Object.entries(cases))('%s', async (_, { args, exitCode, says, files = {}, env = {} }) => {
  for (const [name, text] of Object.entries(files)) write(name, text)
  const result = await tpg(args, env)
  for (const words of says) expect(result.stderr).toContain(words)
  expect(result.exitCode, result.stderr).toBe(exitCode)
  // A user's mistake is no defect of the program.
  expect(result.stderr).not.toContain('please report it')
})

test('a git revision that nobody knows', async () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: join(root, 'git'), stdio: 'pipe' })
  cpSync(join(root, 'models'), join(root, 'git/models'), { recursive: true })
  git('init', '--quiet')
  const result = await tpg('run --model-repository git/models --reference no-such-branch --output out')
  expect(result.stderr).toContain('git does not know no-such-branch')
  expect(result.exitCode).toBe(2)
})
