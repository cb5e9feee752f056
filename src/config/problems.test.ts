import { expect, test } from 'vitest'
import { GateError, type Problem } from '../domain/error.ts'
import { readConfig } from './load-config.ts'

function problemsIn(text: string): readonly Problem[] {
  try {
    readConfig(text, 'c.yml', {})
  } catch (error) {
    if (error instanceof GateError && error.code === 'config') return error.problems
    throw error
  }
  return []
}

test.each([
  ['unknown key', 'concurency: 3', 1, 1, 'concurency', 'unknown key', 'Did you mean "concurrency"?'],
  [
    'unknown key of a model',
    'profile_models:\n  m:\n    cpuonly: true',
    3,
    5,
    'profile_models.m.cpuonly',
    'unknown key',
    '"cpu_only"',
  ],
  [
    'key without a near one',
    'gate:\n  tolerance:\n    foo: 1%',
    3,
    5,
    'gate.tolerance.foo',
    'unknown key',
    'Possible here: perf_latency_p99',
  ],
  [
    'numbers that a comma parts in braces',
    'profile_models: {m: {parameters: {concurrency: 1,4}}}',
    1,
    50,
    'profile_models.m.parameters.4',
    'unknown key "4"',
    'as a list, [1, 8]',
  ],
  [
    'key of a model where only loads may stand',
    'profile_models: {m: {parameters: {foo: 1}}}',
    1,
    35,
    'profile_models.m.parameters.foo',
    'unknown key',
    'Possible here: concurrency, request_rate, batch_sizes.',
  ],
  ['wrong type', 'latency_budget: fast', 1, 17, 'latency_budget', 'expected number > 0, got "fast"', 'in ms'],
  ['nothing given', 'latency_budget:', 1, 16, 'latency_budget', 'got null', 'in ms'],
  [
    'fraction of an instance',
    'run_config_search_max_instance_count: 2.5',
    1,
    39,
    'run_config_search_max_instance_count',
    'integer > 0',
    'instances',
  ],
  [
    'wrong word',
    'gate: { on_inconclusive: fial }',
    1,
    26,
    'gate.on_inconclusive',
    '"fial" is not possible',
    'warn, fail',
  ],
  ['duration without unit', 'gate:\n  time_budget: 300', 2, 16, 'gate.time_budget', 'duration', 'whole run'],
  ['no duration', 'gate:\n  time_budget: 3 weeks', 2, 16, 'gate.time_budget', 'not a duration', '300s'],
  [
    'ratio above 1',
    'gate: { tolerance: { perf_throughput: 5 } }',
    1,
    39,
    'gate.tolerance.perf_throughput',
    '"5%" or a ratio',
    'Tolerated',
  ],
  [
    'c_api',
    'triton_launch_mode: c_api',
    1,
    21,
    'triton_launch_mode',
    'c_api is not supported',
    'local, docker or remote',
  ],
  [
    'unknown tag',
    'constraints: { perf_latency_p98: { max: 3 } }',
    1,
    16,
    'constraints.perf_latency_p98',
    'unknown key',
    'perf_latency_p9',
  ],
  [
    'unmeasured tag',
    'constraints: { time_to_first_token_p99: { max: 3 } }',
    1,
    16,
    'constraints.time_to_first_token_p99',
    'unknown key',
    'not measured here',
  ],
  [
    'unknown objective',
    'objectives: [perf_througput]',
    1,
    14,
    'objectives.0',
    'not possible',
    '"perf_throughput"',
  ],
  ['no load', 'concurrency: [1, 0]', 1, 18, 'concurrency.1', 'integer > 0', 'closed loop'],
  ['no numbers', 'concurrency: "1,x"', 1, 14, 'concurrency', 'not a list of such numbers', 'closed loop'],
  [
    'empty range',
    'batch_sizes: { start: 9, stop: 1 }',
    1,
    14,
    'batch_sizes',
    'gives 0 values',
    'one request',
  ],
  [
    'both kinds of load',
    'concurrency: 1\nrequest_rate: 2',
    2,
    1,
    'request_rate',
    'beside concurrency',
    'Keep one',
  ],
  [
    'old and new name',
    'constraints:\n  perf_latency: { max: 1 }\n  perf_latency_p99: { max: 1 }',
    2,
    3,
    'constraints.perf_latency',
    'beside',
    'old name',
  ],
  [
    'range upside down',
    'run_config_search_min_instance_count: 9',
    1,
    39,
    'run_config_search_min_instance_count',
    '(9) is above the most (5)',
    'Raise',
  ],
  [
    'bad model name',
    'profile_models: [ok, "../up"]',
    1,
    22,
    'profile_models.1',
    'expected model name',
    'models to gate',
  ],
  [
    'bad name in a map',
    'profile_models:\n  "a b": {}',
    2,
    3,
    'profile_models.a b',
    'not a possible name',
    'letters',
  ],
  [
    'bad shape',
    'perf_analyzer_flags: { shape: "3,4" }',
    1,
    31,
    'perf_analyzer_flags.shape',
    'NAME:3,224,224',
    'dynamic',
  ],
  [
    'cuda shared memory',
    'perf_analyzer_flags: { shared-memory: cuda }',
    1,
    39,
    'perf_analyzer_flags.shared-memory',
    'cuda is not supported',
    'Use system',
  ],
  [
    'two sources for one input',
    'gate: { inputs: { m: { x: { constant: 1, range: [0, 1] } } } }',
    1,
    27,
    'gate.inputs.m.x',
    '2 sources',
    'exactly one',
  ],
  [
    'an empty range',
    'gate: { inputs: { m: { x: { range: [2, 1] } } } }',
    1,
    36,
    'gate.inputs.m.x.range',
    'the first number is above the second',
    'Random values',
  ],
  [
    'a group without instances',
    'profile_models: { m: { model_config_parameters: { instance_group: [[{ count: 1 }, { count: 0 }]] } } }',
    1,
    67,
    'profile_models.m.model_config_parameters.instance_group',
    'count 0 is no number of instances',
    '1 or more',
  ],
  [
    'GPUs of a group on the CPU',
    'profile_models: { m: { model_config_parameters: { instance_group: [{ kind: KIND_CPU, gpus: [0, 1] }] } } }',
    1,
    67,
    'profile_models.m.model_config_parameters.instance_group',
    'gpus stand beside KIND_CPU',
    'Triton refuses',
  ],
  [
    'a kind that Triton does not know',
    'profile_models: { m: { model_config_parameters: { instance_group: [{ kind: KIND_NPU }] } } }',
    1,
    67,
    'profile_models.m.model_config_parameters.instance_group',
    'KIND_NPU',
    'model_config.proto',
  ],
])('says where and what to do: %s', (_, text, line, column, key, message, remedy) => {
  const problems = problemsIn(text)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatchObject({ file: 'c.yml', line, column, key })
  expect(problems[0]?.message).toContain(message)
  expect(problems[0]?.remedy).toContain(remedy)
})

test.each([
  ['broken syntax', 'gate: { seed: 1\nplots: 2', 2],
  ['the same key twice', 'concurrency: 1\nplots: 2\nconcurrency: 3', 3],
  ['no map', '- a\n- b', 1],
  ['unknown alias', 'plots: 1\ngate: *nothing', 2],
])('YAML itself: %s', (_, text, line) => {
  expect(problemsIn(text)[0]).toMatchObject({ file: 'c.yml', line })
})

test('aliases that multiply without end are refused', () => {
  const text = `a: &a [1, 1]\nb: &b [*a, *a]\ngate: [${'*b, '.repeat(99)}]`
  expect(problemsIn(text)).toEqual([
    expect.objectContaining({ file: 'c.yml', message: expect.stringContaining('Excessive alias count') }),
  ])
})

test('all problems at once, in the order of the file', () => {
  const text = `
profile_models:
  a: { parameters: { concurrency: 0 }, constraints: { perf_throughput: { min: lots } } }
  b: { paramters: {} }
latency_budget: -1
run_config_search_max_concurrency: 5
run_config_search_min_concurrency: 9
gate: { seeds: 1, repetitions: 1 }
`
  expect(problemsIn(text).map(({ line, key }) => `${line} ${key}`)).toEqual([
    '3 profile_models.a.parameters.concurrency',
    '3 profile_models.a.constraints.perf_throughput.min',
    '4 profile_models.b.paramters',
    '5 latency_budget',
    '7 run_config_search_min_concurrency',
    '8 gate.seeds',
    '8 gate.repetitions',
  ])
})
