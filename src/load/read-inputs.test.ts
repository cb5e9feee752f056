import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { madeInputs } from '../../test/support/input-data.ts'
import type { InputSettings } from '../config/config.ts'
import { asGateError, type Problem } from '../domain/error.ts'
import { DataType, type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { makeSteps, type Step, streamLengths } from './inputs.ts'
import { readInputs } from './read-inputs.ts'
import { countStrings } from './values.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tpg-inputs-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Files by name; whatever is not bytes or text is written as JSON. Gives the first one's path. */
function write(files: Record<string, unknown>): string[] {
  return Object.entries(files).map(([name, content]) => {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    const isPlain = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(path, isPlain ? content : JSON.stringify(content))
    return path
  })
}

function settingsOf(changes: Partial<InputSettings>): InputSettings {
  return { ...madeInputs().settings, ...(changes.files === undefined ? {} : { data: 'files' }), ...changes }
}

type Init = NonNullable<Parameters<typeof create<typeof ModelConfigSchema>>[1]>
const modelOf = (init: Init): ModelConfig => create(ModelConfigSchema, { name: 'm', ...init })
/** A = INT32 [4] and B = FP32 [-1] to sums, S strings: the layouts of perf_analyzer's documentation. */
const model = modelOf({
  maxBatchSize: 8,
  input: [{ name: 'A', dataType: DataType.TYPE_INT32, dims: [4n] }],
  output: [{ name: 'SUM', dataType: DataType.TYPE_INT32, dims: [1n] }],
})

async function problemsOf(act: () => Promise<unknown>): Promise<readonly Problem[]> {
  try {
    await act()
  } catch (error) {
    const { code, problems } = asGateError(error)
    if (code === 'config') return problems
    throw error
  }
  throw new Error('nothing was thrown')
}

const int32s = (step: Step | undefined, name = 'A') => {
  const data = step?.inputs.find((input) => input.name === name)?.data ?? new Uint8Array()
  return [...new Int32Array(Uint8Array.from(data).buffer)]
}
const steps = async (content: unknown, batchSize = 1, of = model) =>
  makeSteps(of, await readInputs(settingsOf({ files: write({ 'a.json': content }) })), batchSize)

test('steps: flat lists, b64, and content with its shape', async () => {
  const ints = Buffer.from(Int32Array.from([5, 6, 7, 8]).buffer).toString('base64')
  const made = await steps({
    data: [
      { A: [1, 2, 3, 4] },
      { A: { b64: ints } },
      { A: { content: [9, 9, 9, 9], shape: [4] } },
      { A: { content: { b64: ints }, shape: [4] } },
    ],
  })
  expect(made.map((step) => int32s(step))).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 9, 9, 9],
    [5, 6, 7, 8],
  ])
  expect(made[0].inputs[0]).toMatchObject({ datatype: 'INT32', shape: [1, 4] })
  expect(made[0].expectedOutputs).toBeNull()
})

test('a batch takes consecutive steps and goes on around the end', async () => {
  const row = (n: number) => ({ A: [n, n, n, n] })
  const made = await steps({ data: [row(0), row(1), row(2)] }, 2)
  const firsts = made.map((step) => [int32s(step)[0], int32s(step)[4]])
  expect(firsts).toEqual([
    [0, 1],
    [2, 0],
    [1, 2],
  ])
  expect(made[0].inputs[0]?.shape).toEqual([2, 4])
  // A batch size that divides the steps needs fewer requests to send them all.
  expect(await steps({ data: [row(0), row(1), row(2), row(3)] }, 2)).toHaveLength(2)
})

test('validation data become the expected outputs of each request', async () => {
  const made = await steps(
    { data: [{ A: [1, 1, 1, 1] }, { A: [2, 2, 2, 2] }], validation_data: [{ SUM: [4] }, { SUM: [8] }] },
    2,
  )
  const expected = made[0].expectedOutputs?.[0]
  expect(expected).toMatchObject({ name: 'SUM', datatype: 'INT32', shape: [2, 1] })
  expect([...new Int32Array(Uint8Array.from(expected?.data ?? []).buffer)]).toEqual([4, 8])
})

test('streams are the sequences of the file; several files add up', async () => {
  const files = write({
    'a.json': { data: [[{ A: [1, 0, 0, 0] }, { A: [2, 0, 0, 0] }], [{ A: [3, 0, 0, 0] }]] },
    'b.json': { data: [[{ A: [4, 0, 0, 0] }]] },
  })
  const data = await readInputs(settingsOf({ files }))
  expect(streamLengths(data)).toEqual([2, 1, 1])
  expect(makeSteps(model, data, 1).map((step) => int32s(step)[0])).toEqual([1, 2, 3, 4])
})

test('dynamic dims: the own shape, else that of the flags, else counted where one size alone is open', async () => {
  const dynamic = modelOf({ input: [{ name: 'A', dataType: DataType.TYPE_INT32, dims: [-1n, 2n] }] })
  const document = { data: [{ A: { content: [1, 2, 3, 4], shape: [2, 2] } }, { A: [1, 2] }] }
  const shapes = (await steps(document, 1, dynamic)).map((step) => step.inputs[0]?.shape)
  expect(shapes).toEqual([
    [2, 2],
    [1, 2],
  ])
  const settings = settingsOf({
    files: write({ 'b.json': { data: [{ A: [1, 2] }] } }),
    shapes: { A: [2, 2] },
  })
  const problems = await problemsOf(async () => makeSteps(dynamic, await readInputs(settings), 1))
  expect(problems[0]?.message).toContain('has 2 elements, INT32 [2, 2] needs 4 elements')
})

test('integers beyond 2^53 keep every digit', async () => {
  const wide = modelOf({ input: [{ name: 'A', dataType: DataType.TYPE_INT64, dims: [2n] }] })
  const [step] = await steps('{"data": [{"A": [9223372036854775807, -9007199254740993]}]}', 1, wide)
  const data = Buffer.from(step.inputs[0]?.data ?? [])
  expect([data.readBigInt64LE(0), data.readBigInt64LE(8)]).toEqual([9223372036854775807n, -9007199254740993n])
})

test('a folder: raw bytes, one string on each line, outputs to check', async () => {
  const texts = modelOf({
    input: [
      { name: 'A', dataType: DataType.TYPE_FP32, dims: [2n] },
      { name: 'S', dataType: DataType.TYPE_STRING, dims: [2n] },
    ],
    output: [{ name: 'Y', dataType: DataType.TYPE_FP32, dims: [1n] }],
  })
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
  write({ 'data/A': floats(1, 2), 'data/S': 'one\ntwo words\n', 'data/Y': floats(3) })
  const data = await readInputs(settingsOf({ files: [join(folder, 'data')] }))
  const [step] = makeSteps(texts, data, 1)
  expect(Buffer.from(step.inputs[1]?.data ?? []).toString('latin1')).toBe('\x03\0\0\0one\x09\0\0\0two words')
  expect(step.expectedOutputs).toMatchObject([{ name: 'Y', shape: [1] }])
})

test('sources of single inputs: range, constant, values and file, optional inputs and shape tensors too', async () => {
  const many = modelOf({
    maxBatchSize: 4,
    input: [
      { name: 'ids', dataType: DataType.TYPE_INT64, dims: [-1n] },
      { name: 'scale', dataType: DataType.TYPE_FP32, dims: [2n], optional: true },
      { name: 'sizes', dataType: DataType.TYPE_INT32, dims: [2n], isShapeTensor: true },
      { name: 'raw', dataType: DataType.TYPE_UINT8, dims: [3n] },
      { name: 'unused', dataType: DataType.TYPE_UINT8, dims: [3n], optional: true },
    ],
  })
  const [file = ''] = write({ raw: new Uint8Array([7, 8, 9]) })
  const data = await readInputs(
    settingsOf({
      shapes: { ids: [500] },
      sources: {
        ids: { kind: 'range', min: 30_000, max: 30_001 },
        scale: { kind: 'constant', value: 0.5 },
        sizes: { kind: 'values', values: [3, 4] },
        raw: { kind: 'file', path: file },
      },
    }),
  )
  const [step] = makeSteps(many, data, 2, 2)
  const byName = new Map(step.inputs.map((input) => [input.name, input]))
  expect([...byName.keys()]).toEqual(['ids', 'scale', 'sizes', 'raw'])
  const ids = new BigInt64Array(Uint8Array.from(byName.get('ids')?.data ?? []).buffer)
  expect(ids).toHaveLength(1000)
  expect(new Set(ids)).toEqual(new Set([30_000n, 30_001n]))
  // Different inferences in one request.
  expect(ids.slice(0, 500)).not.toEqual(ids.slice(500))
  expect(byName.get('sizes')).toMatchObject({ shape: [2] })
  expect([...(byName.get('raw')?.data ?? [])]).toEqual([7, 8, 9, 7, 8, 9])
})

test('the hash is of what is sent: other values or file contents change it, another path does not', async () => {
  const [a = '', b = '', c = ''] = write({ a: 'x', b: 'x', c: 'y' })
  const hash = async (changes: Partial<InputSettings>) => (await readInputs(settingsOf(changes))).sha256
  const file = (path: string) => hash({ sources: { A: { kind: 'file', path } } })
  expect(await file(a)).toBe(await file(b))
  expect(await file(a)).not.toBe(await file(c))
  const all = await Promise.all([
    hash({}),
    hash({ data: 'zero' }),
    hash({ seed: 2 }),
    hash({ shapes: { A: [1] } }),
    hash({ sharedMemory: { outputBytes: 1 } }),
    hash({ sources: { A: { kind: 'constant', value: 1 } } }),
  ])
  expect(new Set(all).size).toBe(all.length)
})

const bad: readonly [string, unknown, string[]][] = [
  ['no JSON', '{"data": [', ['is not JSON']],
  ['NaN', '{"data": [{"A": [1,\n NaN, 2, 3]}]}', ['NaN is not a finite number']],
  ['1e999', '{"data": [{"A": [1e999, 1, 1, 1]}]}', ['Infinity is not a finite number']],
  ['no data', {}, ['is missing']],
  ['an empty list', { data: [] }, ['is empty']],
  ['an empty stream', { data: [[]] }, ['is an empty stream']],
  ['mixed', { data: [{ A: [1, 2, 3, 4] }, [{ A: [1, 2, 3, 4] }]] }, ['mixes steps (maps) with streams']],
  ['an unknown key', { data: [{ A: [1, 2, 3, 4] }], more: 1 }, ['unknown key']],
  ['no base64', { data: [{ A: { b64: 'a*b=' } }] }, ['b64 is not base64']],
  ['nested lists', { data: [{ A: [[1, 2, 3, 4]] }] }, ['is a nested list']],
  ['a wrong size', { data: [{ A: { b64: 'AAAA' } }] }, ['has 3 bytes, INT32 [4] needs 16 bytes']],
  [
    'a wrong shape',
    { data: [{ A: { content: [1, 2, 3, 4], shape: [2, 2] } }] },
    ['shape [2, 2] does not fit'],
  ],
  [
    'validation that does not align',
    { data: [{ A: [1, 2, 3, 4] }], validation_data: [] },
    ['does not align'],
  ],
  [
    'several things',
    {
      data: [{ A: [1, 2, 3] }, { B: [1] }, { A: [1, 2, 3, 2 ** 40] }],
      validation_data: [{ SUM: [1] }, { SUMM: [1] }, { SUM: ['x'] }],
    },
    [
      'has 3 elements',
      "the model has no input 'B'",
      "input 'A' is missing",
      "the model has no output 'SUMM'",
      'is beyond INT32',
      'is not a number',
    ],
  ],
]

test.each(bad)('refused with place and remedy: %s', async (_, content, messages) => {
  const problems = await problemsOf(() => steps(content))
  expect(problems.map(({ message }) => message)).toEqual(
    messages.map((text) => expect.stringContaining(text)),
  )
  for (const { file, remedy } of problems)
    expect([file, remedy]).toEqual([join(folder, 'a.json'), expect.any(String)])
})

test('the place of a problem: file, step and input; NaN with its line', async () => {
  const [problem] = await problemsOf(() => steps({ data: [[{ A: [1, 2, 3, 4] }, { A: [1.5, 0, 0, 0] }]] }))
  expect(problem?.key).toBe('data[0][1].A')
  const [nan] = await problemsOf(() => steps('{"data": [{"A": [1,\n NaN, 2, 3]}]}'))
  expect(nan).toMatchObject({ line: 2, column: 2 })
})

test('files that are missing, empty or no files are told all at once', async () => {
  const [empty = ''] = write({ 'empty.json': '' })
  const sources = { A: { kind: 'file', path: '/dev/zero' } } as const
  const problems = await problemsOf(() =>
    readInputs(settingsOf({ files: [join(folder, 'gone.json'), empty], sources })),
  )
  expect(problems.map(({ message }) => message)).toEqual([
    'is not a file',
    expect.stringContaining('cannot be read'),
    'is empty',
  ])
})

test('a hundred wrong steps are told by some of them', async () => {
  const problems = await problemsOf(() => steps({ data: Array.from({ length: 100 }, () => ({ A: [1] })) }))
  expect(problems).toHaveLength(21)
  expect(problems.at(-1)?.message).toBe('and 80 more problems')
})

test('sources that do not fit name their key', async () => {
  const sources = {
    A: { kind: 'range', min: 0, max: 2 ** 31 },
    B: { kind: 'constant', value: 1 },
  } as const
  const problems = await problemsOf(async () =>
    makeSteps(model, await readInputs(settingsOf({ sources })), 1),
  )
  expect(problems.map(({ key }) => key)).toEqual(['gate.inputs.m.B', 'gate.inputs.m.A'])
})

test('whatever strings are given come back from the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 }),
      async (texts) => {
        const strings = modelOf({ input: [{ name: 'S', dataType: DataType.TYPE_STRING, dims: [-1n] }] })
        const [step] = await steps({ data: [{ S: texts }] }, 1, strings)
        const data = Buffer.from(step.inputs[0]?.data ?? [])
        const found: string[] = []
        for (let at = 0; at < data.length; at += 4 + data.readUInt32LE(at)) {
          found.push(data.toString('utf8', at + 4, at + 4 + data.readUInt32LE(at)))
        }
        expect(found).toEqual(texts)
        expect(countStrings(data)).toBe(texts.length)
      },
    ),
    { numRuns: 30 },
  )
})
