import { describe, expect, test } from 'vitest'
import { makeMeasurements } from '../../test/support/make-measurements.ts'
import { limitsOf } from '../config/limits.ts'
import { readConfig } from '../config/load-config.ts'
import type { ConfigOverrides } from '../config/overrides.ts'
import { limitsSchema } from '../domain/limits.ts'
import { loosened, looserThan } from './loosened.ts'

const limits = (text: string, overrides: ConfigOverrides = {}) =>
  limitsSchema.parse(limitsOf(readConfig(text, 'c.yml', overrides), ['m']))

const until = 'reason: why, until: 2026-12-31'
const accepted = (upTo: string) =>
  `gate: {accepted: [{model: m, metric: perf_throughput, up_to: ${upTo}, ${until}}]}`

/** A change of the file that lets more pass, what it says, and nothing on the way back. */
const changes: [string, string, string, string[]][] = [
  [
    'a budget raised',
    'latency_budget: 10',
    'latency_budget: 20',
    ['perf_latency_p99 of m 10.0 ms → 20.0 ms'],
  ],
  ['a budget removed', 'latency_budget: 10', '', ['perf_latency_p99 of m 10.0 ms → none']],
  [
    'a floor lowered',
    'min_throughput: 200',
    'min_throughput: 150',
    ['perf_throughput of m 200 infer/s → 150 infer/s'],
  ],
  [
    'a constraint of the model',
    'profile_models: {m: {constraints: {gpu_used_memory: {max: 100}}}}',
    'profile_models: {m: {constraints: {gpu_used_memory: {max: 200}}}}',
    ['gpu_used_memory of m 95.4 MiB → 191 MiB'],
  ],
  [
    'a tolerance, and what follows it',
    'gate: {tolerance: {perf_latency_p99: 5%, perf_latency_p95: 5%, perf_latency_p90: 5%, perf_latency_p50: 5%}}',
    'gate: {tolerance: {perf_latency_p99: 10%, perf_latency_p95: 5%, perf_latency_p90: 5%, perf_latency_p50: 5%}}',
    ['tolerance of p99 latency of m 5 % → 10 %'],
  ],
  [
    'a tolerance of the model',
    'gate: {model_tolerance: {m: {perf_throughput: 1%}}}',
    'gate: {model_tolerance: {m: {perf_throughput: {relative: 1%, absolute: 5}}}}',
    ['absolute tolerance of throughput of m 0 infer/s → 5.00 infer/s'],
  ],
  ['inconclusive passes', 'gate: {on_inconclusive: fail}', '', ['gate.on_inconclusive fail → warn']],
  [
    'a missing baseline passes',
    'gate: {on_missing_baseline: fail}',
    '',
    ['gate.on_missing_baseline fail → inconclusive'],
  ],
  [
    'a release may be inconclusive',
    '',
    'gate: {release: {on_inconclusive: warn, on_missing_baseline: inconclusive}}',
    ['gate.release.on_inconclusive fail → warn', 'gate.release.on_missing_baseline fail → inconclusive'],
  ],
  ['more may fail', '', 'gate: {max_failure_ratio: 5%}', ['gate.max_failure_ratio 0.1 % → 5 %']],
  ['creep passes', 'gate: {on_creep: fail}', '', ['gate.on_creep fail → warn']],
  [
    'no reference where the history will do',
    'gate: {screening: "off"}',
    '',
    ['gate.screening off → history: a reference is not always measured'],
  ],
  ['shorter windows', '', 'gate: {measurement_seconds: 0.5}', ['gate.measurement_seconds 2 → 0.5']],
  ['less time', 'gate: {time_budget: 600s}', 'gate: {time_budget: 60s}', ['gate.time_budget 600 s → 60 s']],
  ['a limit of time', '', 'gate: {time_budget: 60s}', ['gate.time_budget by the number of models → 60 s']],
  ['a limit of more time than there was', '', 'gate: {time_budget: 1h}', []],
  ['fewer repetitions', '', 'gate: {repetitions: 2}', ['gate.repetitions 14 → 2']],
  ['answers unchecked', '', 'gate: {check_outputs: "off"}', ['check_outputs of m given → off']],
  ['a load less', 'concurrency: 1,8', 'concurrency: 1', ['m is no longer gated at concurrency 8']],
  ['a model less', 'profile_models: m,n', 'profile_models: m', ['n is no longer gated']],
  ['not every model', '', 'profile_models: m', ['only m gated, before every model']],
  [
    'an acceptance',
    '',
    accepted('10%'),
    ['accepts up to 10 % worse throughput of m (why; until 2026-12-31)'],
  ],
  [
    'more accepted',
    accepted('10%'),
    accepted('20%'),
    ['accepts up to 20 % worse throughput of m (why; until 2026-12-31)'],
  ],
]

describe('what a change of the configuration lets pass', () => {
  test.each(changes)('%s', (_, before, after, said) => {
    expect(looserThan(limits(before), limits(after))).toEqual(said)
  })

  test.each(changes.filter(([name]) => name !== 'more accepted'))(
    'the way back is no loosening: %s',
    (_, before, after) => {
      expect(looserThan(limits(after), limits(before))).toEqual([])
    },
  )

  test.each(changes)('the same is no loosening: %s', (_, before, after) => {
    expect(looserThan(limits(before), limits(before))).toEqual([])
    expect(looserThan(limits(after), limits(after))).toEqual([])
  })
})

test('another name for the same limit is the same limit', () => {
  const tag = 'constraints: {perf_latency: {max: 10}}'
  expect(looserThan(limits('latency_budget: 10'), limits(tag))).toEqual([])
})

test('what flags say stands above both files', () => {
  const over = { latencyBudgetMs: 5, onInconclusive: 'warn' } as const
  const strict = 'latency_budget: 10\ngate: {on_inconclusive: fail}'
  expect(looserThan(limits(strict, over), limits('latency_budget: 20', over))).toEqual([])
})

/** Nobody can say which of two requests is the easier one: both ways are told. */
const askings: [string, string, string, string][] = [
  [
    'a smaller shape',
    'perf_analyzer_flags: {shape: "INPUT0:64"}',
    'perf_analyzer_flags: {shape: "INPUT0:8"}',
    'shape {"INPUT0":[64]} → {"INPUT0":[8]}',
  ],
  ['zeros', '', 'perf_analyzer_flags: {input-data: zero}', 'input-data random → zero'],
  [
    'other files',
    'perf_analyzer_flags: {input-data: data/long.json}',
    'perf_analyzer_flags: {input-data: data/short.json}',
    'input-data ["long.json"] → ["short.json"]',
  ],
  ['shorter texts', '', 'perf_analyzer_flags: {string-length: 1}', 'string-length 128 → 1'],
  [
    'one input',
    '',
    'gate: {inputs: {m: {TEXT: {constant: a}}}}',
    'gate.inputs none → {"TEXT":{"kind":"constant","value":"a"}}',
  ],
  [
    'a file of an input',
    'gate: {inputs: {m: {IMAGE: {file: a.png}}}}',
    'gate: {inputs: {m: {IMAGE: {file: b/c.png}}}}',
    'gate.inputs {"IMAGE":{"kind":"file","path":"a.png"}} → {"IMAGE":{"kind":"file","path":"c.png"}}',
  ],
  [
    'shared memory',
    '',
    'perf_analyzer_flags: {shared-memory: system}',
    'shared-memory none → {"outputBytes":102400}',
  ],
  ['a stream', '', 'perf_analyzer_flags: {streaming: true}', 'streaming none → true'],
  [
    'shorter sequences',
    'perf_analyzer_flags: {sequence-length: 30}',
    'perf_analyzer_flags: {sequence-length: 2}',
    'sequences {"count":4,"length":30,"lengthVariation":0.2,"serial":false} → {"count":4,"length":2,"lengthVariation":0.2,"serial":false}',
  ],
  ['fewer requests', '', 'perf_analyzer_flags: {request-count: 10}', 'request-count none → 10'],
  ['a longer warm-up', '', 'gate: {warmup_seconds: 9}', 'gate.warmup_seconds 1 → 9'],
  ['another engine', '', 'gate: {engine: perf_analyzer}', 'gate.engine none → perf_analyzer'],
]

test.each(askings)('what is sent is told as well: %s', (_, before, after, said) => {
  expect(looserThan(limits(before), limits(after))).toEqual([
    `m is asked otherwise, more easily perhaps: ${said}`,
  ])
  expect(looserThan(limits(after), limits(before))).toHaveLength(1)
  expect(looserThan(limits(after), limits(after))).toEqual([])
})

test('a server that answers from its cache is told, without the values of its flags', () => {
  const [said] = looserThan(limits(''), limits('triton_server_flags: {cache-config: "local,size=9"}'))
  expect(said).toMatch(/perhaps: triton_server_flags none → sha256:[0-9a-f]{12}$/)
})

test('both sides have the server and the repository of the candidate: what changes of them is told', () => {
  const said = looserThan(
    limits('model_repository: models'),
    limits('model_repository: other\ntriton_docker_image: t:2\ngate: {triton: docker}'),
  )
  expect(said.map((each) => each.replace(/^both sides are served otherwise .* is not seen: /, ''))).toEqual([
    'gate.triton auto → docker',
    'model_repository models → other',
    'triton_docker_image nvcr.io/nvidia/tritonserver:26.04-py3 → t:2',
  ])
  expect(looserThan(limits(''), limits('model_repository: models'))).toEqual([])
  const flags = { modelRepository: 'here', tritonImage: 't:3', triton: 'docker' } as const
  expect(
    looserThan(limits('', flags), limits('model_repository: other\ntriton_docker_image: t:2', flags)),
  ).toEqual([])
})

test('another class of machines is another baseline: both ways are told', () => {
  const named = limits('gate: {runner_class: a}')
  expect(looserThan(limits(''), named)).toEqual([
    "gate.runner_class by the machine → a: whose baseline is taken for this machine's",
  ])
  expect(looserThan(named, limits(''))).toHaveLength(1)
})

test('a long list of values is cut', () => {
  const values = (last: number) =>
    `gate: {inputs: {m: {X: {values: [${Array(99).fill(1).join()}, ${last}]}}}}`
  const [said = ''] = looserThan(limits(values(1)), limits(values(2)))
  expect(said).toMatch(
    /^m is asked otherwise, more easily perhaps: gate.inputs \{"X":.{70,75}… → \{"X":.{70,75}…$/,
  )
})

test('the same file in another checkout is the same', () => {
  const text = 'perf_analyzer_flags: {input-data: data/a.json}'
  const of = (path: string) => limitsOf(readConfig(text, path, {}), ['m'])
  expect(looserThan(of('/here/c.yml'), of('c.yml'))).toEqual([])
})

test('limits of a version that did not look at what is sent', () => {
  const [model] = limits('').models
  if (model === undefined) throw new Error('no model')
  const { asked: _, conditions: __, ...older } = model
  expect(
    looserThan({ ...limits(''), models: [older] }, limits('perf_analyzer_flags: {streaming: true}')),
  ).toEqual([])
})

test('whoever judges the files again without the flags of the measurement finds the same', () => {
  const text = 'concurrency: 8'
  const flags = {
    triton: 'embedded',
    engine: 'perf_analyzer',
    timeBudgetNs: 60e9,
    modelRepository: 'm',
  } as const
  const found = (then: ConfigOverrides, now: ConfigOverrides, file = text) => {
    const [theirs, own] = [limits(text, then), limits(file, then)]
    const git = {
      contained: [],
      reference: { status: 'read' as const, commit: 'c', limits: theirs, measured: own },
    }
    return loosened({
      measurements: makeMeasurements([], null, { git }),
      config: readConfig(file, 'c.yml', now),
    })
  }
  expect(found(flags, flags)).toEqual([])
  expect(found(flags, {})).toEqual([])
  const looser =
    'latency_budget: 9\ngate: {warmup_seconds: 9, tolerance: {perf_throughput: 20%}}\nconcurrency: 8'
  expect(found(flags, {}, looser)).toEqual(found(flags, flags, looser))
  expect(found(flags, {}, looser)).toHaveLength(2)
})
