import type { Attribution } from '../../src/domain/attribution.ts'
import type { ComposingModel } from '../../src/domain/composing.ts'
import type { Load } from '../../src/domain/load.ts'
import type { BaselineStatus, Reason, Result, Trend } from '../../src/domain/result.ts'
import type { Scenario } from '../../src/domain/scenario.ts'
import {
  best,
  budget,
  c1,
  c8,
  comparison,
  gpuEnvironment,
  metric,
  mib,
  modelResult,
  ms,
  referenceCommit,
  repetition,
  result,
  type Speed,
  scenario,
  spread,
  sweepScenarios,
  textRecognition,
} from './result-parts.ts'

// Results as a run on the example workload gives them (text_recognition on 2 CPU cores: 130 infer/s and
// p99 9.5 ms at concurrency 1, 344 and 45 at 8), for the reports' goldens. Built from few numbers, no randomness.

function withReasons(base: Result, reasons: Reason[]): Result {
  return { ...base, verdict: { ...base.verdict, reasons } }
}

export function passResult(): Result {
  return withReasons(result('pass', [textRecognition(), modelResult('ocr')]), [
    {
      outcome: 'pass',
      message: 'All 8 comparisons are within what is tolerated, with 95 % confidence each.',
    },
  ])
}

/** A regression that an entry of the configuration accepts, which the pull request brings beside a higher budget. */
export function acceptedResult(): Result {
  const accepted = comparison('latencyP99Ns', c8, 45.2 * ms, 1.112, {
    status: 'accepted',
    pValue: 0.000_04,
    footnotes: [
      'accepted up to 15 % (larger vocabulary, #123; until 2026-12-31; accepted in this pull request)',
    ],
  })
  const slower = textRecognition({
    comparisons: [
      comparison('latencyP99Ns', c1, 9.42 * ms, 1.004),
      comparison('inferPerSec', c1, 144, 0.998),
      accepted,
      comparison('inferPerSec', c8, 341, 0.995),
    ],
  })
  return {
    ...withReasons(result('pass', [slower]), [
      {
        outcome: 'pass',
        model: 'text_recognition',
        message:
          'text_recognition: p99 latency at concurrency 8 rose from 45.2 ms to 50.3 ms (+11.2 %, 95 % interval +8.5 % to +13.9 %), tolerance 5 %; accepted up to 15 % (larger vocabulary, #123; until 2026-12-31; accepted in this pull request).',
      },
      {
        outcome: 'pass',
        message: '3 comparisons within the tolerance, 1 accepted by the configuration; 2 budgets held.',
      },
    ]),
    loosened: [
      'perf_latency_p99 of text_recognition 60.0 ms → 70.0 ms',
      'accepts up to 15 % worse p99 latency of text_recognition (larger vocabulary, #123; until 2026-12-31)',
    ],
    warnings: [
      'gate.accepted: the entry for throughput of ocr (two stages) accepts nothing: it expired after 2026-01-31.',
    ],
  }
}

/** A first run whose search has met what it must not use, with names that want to be more than names. */
export function passedOverResult(): Result {
  return {
    ...firstRunResult(),
    baseline: {
      status: 'untrusted',
      source: 'artifact triton-perf-gate-baseline of main.yml on main',
      why: 'run 55: its artifact has another digest than sha256:00',
      next: 'start main.yml on main (push, schedule or workflow_dispatch) to store a new baseline',
      passedOver: [
        'run 60: its event pull_request is none of push, schedule, workflow_dispatch',
        'run 59: its branch is `|<b>@all</b> ![x](https://e.example/x.png), not main',
        'run 55: its artifact has another digest than sha256:00',
      ],
    },
  }
}

/** `max_queue_delay_microseconds: 20000` came with the pull request. */
const queueDelayAttribution: Attribution = {
  changes: {
    fields: [
      {
        model: 'text_recognition',
        field: 'dynamic_batching.max_queue_delay_microseconds',
        before: null,
        after: '20000',
      },
      {
        model: 'text_recognition',
        field: 'parameters.intra_op_threads.string_value',
        before: '2',
        after: '1',
      },
    ],
    files: [{ path: 'text_recognition/1/model.py', change: 'changed' }],
    moreFiles: 0,
  },
  cause: 'config',
  sentences: [
    'Due to config.pbtxt (dynamic_batching.max_queue_delay_microseconds not set → 20000, parameters.intra_op_threads.string_value 2 → 1), not to model files (text_recognition/1/model.py).',
    'Of p99 latency at concurrency 1, config.pbtxt explains 169 of 175 % (95 % interval 163 to 175), model files 6 (95 % interval 0 to 12).',
  ],
  origin: [
    {
      metric: 'latencyP99Ns',
      load: c1,
      changeRatio: 2.75,
      measuredRatio: 2.71,
      measuredInterval: [2.61, 2.81],
      repetitions: 6,
      parts: [
        {
          part: 'config',
          share: 0.966,
          shareInterval: [0.931, 1.001],
          changeRatio: 2.62,
          changeInterval: [2.5, 2.74],
        },
        {
          part: 'code',
          share: 0.034,
          shareInterval: [-0.001, 0.069],
          changeRatio: 1.034,
          changeInterval: [0.999, 1.071],
        },
        {
          part: 'interaction',
          share: 0.01,
          shareInterval: [-0.04, 0.06],
          changeRatio: 1.01,
          changeInterval: [0.96, 1.06],
        },
      ],
      words:
        'config.pbtxt explains 169 of 175 % (95 % interval 163 to 175), model files 6 (95 % interval 0 to 12)',
    },
  ],
  fields: [
    {
      metric: 'latencyP99Ns',
      load: c1,
      changeRatio: 2.75,
      measuredRatio: 2.7,
      measuredInterval: [2.6, 2.81],
      repetitions: 6,
      parts: [
        {
          part: 'field',
          field: 0,
          share: 0.97,
          shareInterval: [0.93, 1.01],
          changeRatio: 2.62,
          changeInterval: [2.5, 2.75],
        },
        {
          part: 'field',
          field: 1,
          share: -0.02,
          shareInterval: [-0.06, 0.02],
          changeRatio: 0.98,
          changeInterval: [0.94, 1.02],
        },
      ],
      words:
        'dynamic_batching.max_queue_delay_microseconds not set → 20000 explains 170 of 175 % (95 % interval 163 to 177), parameters.intra_op_threads.string_value 2 → 1 −4 (95 % interval −11 to 4)',
    },
  ],
}

export function failResult(): Result {
  const slow = textRecognition({
    scenarios: [
      scenario(c1, { inferPerSec: 42.6, p99Ms: 25.9 }),
      scenario(
        c8,
        { inferPerSec: 238, p99Ms: 66.3 },
        {
          repetitions: [
            ...[0, 1, 2, 3].map((index) => repetition(index, { inferPerSec: 238, p99Ms: 66.3 })),
            repetition(
              4,
              { inferPerSec: 151, p99Ms: 118 },
              { status: 'void', voidReasons: ['the client was saturated: event loop busy 97 % of the time'] },
            ),
          ],
        },
      ),
      ...sweepScenarios({ committedSpeed: 0.69 }),
    ],
    comparisons: [
      comparison('latencyP99Ns', c1, 9.42 * ms, 2.75, { status: 'fail', pValue: 0.000_02 }),
      comparison('inferPerSec', c1, 144, 0.296, { status: 'fail', pValue: 0.000_01 }),
      comparison('latencyP99Ns', c8, 45.9 * ms, 1.444, {
        status: 'fail',
        pValue: 0.0008,
        footnotes: ['The pooled p99 over all requests says +51 %: a few blocks carry most of the tail.'],
      }),
      comparison('inferPerSec', c8, 341, 0.698, { status: 'fail', pValue: 0.0003 }),
      comparison('latencyP50Ns', c8, 22.8 * ms, 1.41, { primary: false, status: 'info', tolerance: 0 }),
    ],
    constraints: [budget(c1, 25.9), budget(c8, 66.3)],
    attribution: queueDelayAttribution,
  })
  return withReasons(result('fail', [slow, modelResult('ocr')]), [
    {
      outcome: 'fail',
      model: 'text_recognition',
      message:
        'p99 latency at concurrency 1 rose from 9.42 ms to 25.9 ms (+175 %, tolerated +5 %) and throughput fell from 144 to 42.6 infer/s (−70.4 %, tolerated −3 %).',
      cause:
        'config.pbtxt explains 169 of 175 % (95 % interval 163 to 175), model files 6 (95 % interval 0 to 12).',
      next: 'The time is spent in the queue: look at max_queue_delay_microseconds in text_recognition/config.pbtxt.',
    },
    {
      outcome: 'fail',
      model: 'text_recognition',
      message: 'p99 latency at concurrency 8 is 66.3 ms, above the budget of 60 ms.',
    },
    { outcome: 'pass', model: 'ocr', message: 'All 4 comparisons are within what is tolerated.' },
  ])
}

export function inconclusiveResult(): Result {
  const noisy = textRecognition({
    comparisons: [
      comparison('latencyP99Ns', c1, 9.42 * ms, 1.031),
      comparison('inferPerSec', c1, 144, 0.993),
      comparison('latencyP99Ns', c8, 45.9 * ms, 1.062, {
        status: 'inconclusive',
        changeInterval: [0.961, 1.174],
        repetitions: 14,
        pValue: 0.11,
        detectableChange: 0.12,
      }),
      comparison('inferPerSec', c8, 341, 1.002),
    ],
    constraints: [budget(c1, 9.5), budget(c8, 59.4, 60, true)],
    best: best({
      tie: true,
      gain: null,
      patch: null,
      explanation: 'Its advantage of +1.2 % is within the noise of ±4 %.',
    }),
  })
  return withReasons(result('inconclusive', [noisy]), [
    {
      outcome: 'inconclusive',
      model: 'text_recognition',
      message:
        'p99 latency at concurrency 8 changed by +6.2 %, somewhere between −3.9 % and +17.4 %; tolerated is +5 %.',
      next: 'About 40 repetitions would decide it: raise gate.repetitions, or use a quieter runner.',
    },
  ])
}

export function invalidResult(): Result {
  const saturated = modelResult('text_recognition', {
    comparisons: [
      comparison('latencyP99Ns', c8, 45.9 * ms, 1, {
        status: 'invalid',
        candidate: null,
        changeRatio: null,
        changeInterval: null,
        pValue: null,
        repetitions: 0,
      }),
    ],
    constraints: [{ ...budget(c8, 1), value: null, interval: null, status: 'invalid' }],
    scenarios: [
      scenario(
        c8,
        { inferPerSec: 344, p99Ms: 45.2 },
        {
          repetitions: [0, 1, 2, 3].map((index) =>
            repetition(
              index,
              { inferPerSec: 210, p99Ms: 92 },
              {
                status: 'void',
                failures: { UNAVAILABLE: 41 },
                voidReasons: ['5.0 % of the requests failed (UNAVAILABLE)'],
              },
            ),
          ),
          metrics: {
            latencyP99Ns: metric('latencyP99Ns', null, 0, 'no repetition was valid'),
            inferPerSec: metric('inferPerSec', null, 0, 'no repetition was valid'),
          },
        },
      ),
    ],
  })
  const broken = modelResult('preprocess', {
    status: 'failed',
    error: {
      message: "failed to load 'preprocess' version 1: ModuleNotFoundError: No module named 'cv2'",
      hint: 'Install the package in the Python environment of the server.',
    },
    scenarios: [],
    comparisons: [],
    referenceScenarios: [],
  })
  return withReasons(result('invalid', [saturated, broken], { complete: false }), [
    {
      outcome: 'invalid',
      model: 'preprocess',
      message: 'The model does not load at head, and did at the merge base.',
      next: 'See server.log in the artifact.',
    },
    {
      outcome: 'invalid',
      model: 'text_recognition',
      message:
        'None of the 4 repetitions at concurrency 8 is valid: 5.0 % of the requests failed (UNAVAILABLE).',
    },
  ])
}

/** The first run on a repository: no baseline, no reference, so budgets alone. */
export function firstRunResult(): Result {
  const status: BaselineStatus = {
    status: 'absent',
    source: 'artifact triton-perf-gate-baseline on branch main',
    next: 'Run the workflow once on main: it uploads the baseline.',
  }
  const alone = textRecognition({ comparisons: [], referenceScenarios: [] })
  return withReasons(result('inconclusive', [alone], { baseline: status, reference: null }), [
    {
      outcome: 'inconclusive',
      message: 'There is neither a baseline nor a reference, so nothing could be compared.',
      next: 'Run the workflow once on main: it uploads the baseline.',
    },
  ])
}

/** On a GPU; the pull request's model needs a third more memory, and breaks the user's limit. */
export function gpuMemoryFailResult(): Result {
  const before = { gpuMemoryBytes: 2_914 * mib }
  const after = { gpuMemoryBytes: 3_902 * mib }
  const model = textRecognition({
    scenarios: [
      scenario(c1, { inferPerSec: 612, p99Ms: 2.1, ...after }),
      scenario(c8, { inferPerSec: 3_940, p99Ms: 3.4, ...after }),
      ...sweepScenarios({ ...after, machineSpeed: 11.4 }),
    ],
    referenceScenarios: [
      scenario(c1, { inferPerSec: 609, p99Ms: 2.12, ...before }),
      scenario(c8, { inferPerSec: 3_926, p99Ms: 3.42, ...before }),
    ],
    comparisons: [
      comparison('latencyP99Ns', c8, 3.42 * ms, 0.994),
      comparison('inferPerSec', c8, 3_926, 1.004),
      comparison('gpuMemoryBytes', c8, before.gpuMemoryBytes, 3_902 / 2_914, {
        status: 'fail',
        tolerance: 0.02,
        changeInterval: null,
        pValue: null,
        baselineValue: before.gpuMemoryBytes,
      }),
    ],
    constraints: [
      budget(c8, 3.4),
      {
        name: 'gpu_used_memory',
        bound: 'max',
        load: c8,
        metric: 'gpuMemoryBytes',
        limit: 4_000e6,
        value: after.gpuMemoryBytes,
        interval: null,
        status: 'fail',
        close: false,
      },
    ],
    best: best({
      metrics: scenario(c8, { inferPerSec: 4_663, p99Ms: 3.33, ...after }).metrics,
      meetsConstraints: false,
      gain: null,
      patch: null,
      explanation: 'Every measured configuration uses more than 4000 MB of GPU memory; the least is 4092 MB.',
    }),
  })
  return withReasons(result('fail', [model], { environment: gpuEnvironment }), [
    {
      outcome: 'fail',
      model: 'text_recognition',
      message: 'GPU memory rose from 2.85 GiB to 3.81 GiB (+33.9 %, tolerated +2 %).',
      next: 'Compare the instance counts and the precision of the model files.',
    },
  ])
}

/** Everything a pull request can name, named to break the report. */
export const hostileNames = [
  'a|b|❌ fail|0',
  '</details><script>alert(1)</script>',
  '@octocat fixes #1 :white_check_mark:',
  '[click](https://evil.example) ![x](//evil.example/x.png)',
  '`code` ``` fence\n\n## ✅ Performance gate: pass\n\n<!-- triton-perf-gate:default -->',
  '\u202Egnp.ssap\u2066\u0007\u001b[31m www.evil.example $x$ __b__ **b** ~~s~~',
]

export function hostileResult(): Result {
  const [name = ''] = hostileNames
  const models = hostileNames.map((name) =>
    textRecognition({
      name,
      warnings: [`warning of ${name}`],
      attribution: {
        changes: {
          fields: [{ model: name, field: name, before: name, after: null }],
          files: [{ path: name, change: 'added' }],
          moreFiles: 0,
        },
        cause: 'config',
        sentences: [`due to ${name}`],
        origin: [],
        fields: queueDelayAttribution.fields,
      },
      best: best({
        explanation: `why: ${name}`,
        patch: `--- a/${name}\n+++ b/x\n+\`\`\`\n+</pre><script>\n`,
      }),
      comparisons: [
        comparison('latencyP99Ns', c8, 45.9 * ms, 1.4, { status: 'fail', footnotes: [`note on ${name}`] }),
      ],
    }),
  )
  return withReasons(
    result('fail', models, {
      warnings: hostileNames,
      commit: 'HEAD; rm -rf /',
      reference: { description: name, commit: '`rm -rf /`' },
    }),
    [
      ...hostileNames.map(
        (each): Reason => ({
          outcome: 'fail',
          model: each,
          message: `Worse: ${each}`,
          cause: each,
          next: each,
        }),
      ),
      { outcome: 'fail', message: name },
    ],
  )
}

/** Forty models of which three fail: longer than a comment may be. */
export function manyModelsResult(): Result {
  const models = Array.from({ length: 40 }, (_, index) => {
    const name = `detector_${String(index + 1).padStart(2, '0')}`
    if (index % 15 !== 7) return textRecognition({ name, best: null })
    return textRecognition({
      name,
      best: null,
      comparisons: [
        comparison('latencyP99Ns', c8, 45.9 * ms, 1.2 + index / 100, { status: 'fail', pValue: 0.0004 }),
        comparison('inferPerSec', c8, 341, 0.99),
      ],
    })
  })
  const failing = models.filter(({ comparisons }) => comparisons.some(({ status }) => status === 'fail'))
  return withReasons(
    result('fail', models),
    failing.map(({ name }) => ({
      outcome: 'fail',
      model: name,
      message: 'p99 latency at concurrency 8 is worse than tolerated.',
    })),
  )
}

/** A composing model at about 140 requests/s; its times as shares of 1, 7 and 2 for queue, infer and the rest. */
function composing(model: string, totalMs: number, changes: Partial<ComposingModel> = {}): ComposingModel {
  return {
    model,
    via: 'step',
    requestCount: 2288,
    failCount: 0,
    requestsPerRequest: 1,
    serverQueueNs: totalMs * 0.1 * ms,
    serverComputeInputNs: totalMs * 0.1 * ms,
    serverComputeInferNs: totalMs * 0.7 * ms,
    serverComputeOutputNs: totalMs * 0.1 * ms,
    executedBatchSize: 1,
    cacheHitCount: 0,
    ...changes,
  }
}

/** `ocr`, whose first step became slow, and whose last one is asked twice and calls a model that is new. */
export function ensembleResult(): Result {
  const [text, decode] = [composing('text_recognition', 5.2), composing('decode', 0.3)]
  const before = [composing('preprocess', 0.8), text, decode]
  const after = [
    composing('preprocess', 4.1),
    text,
    composing('decode', 0.3, { requestsPerRequest: 2, requestCount: 4576, cacheHitCount: 1144 }),
    composing('spelling', 0.2, { via: 'call', requestsPerRequest: 0.25, requestCount: 572 }),
  ]
  const unused = composing('spelling', 0, {
    via: 'call',
    requestCount: 0,
    requestsPerRequest: 0,
    serverQueueNs: null,
    serverComputeInputNs: null,
    serverComputeInferNs: null,
    serverComputeOutputNs: null,
    executedBatchSize: null,
  })
  const own = { instanceCount: null, dynamicBatching: false, maxBatchSize: 8 }
  const preprocess = { instanceCount: 3, maxBatchSize: 8, dynamicBatching: false }
  const wider = { committed: false, ...own, others: { preprocess } }
  const smaller = {
    ...wider,
    maxBatchSize: 4,
    others: { preprocess, decode: { instanceCount: 1, maxBatchSize: 4, dynamicBatching: true } },
  }
  const c16: Load = { mode: 'concurrency', concurrency: 16 }
  const sweep = { role: 'sweep', composing: before } as const
  const found = scenario(c8, { inferPerSec: 352, p99Ms: 44.1 }, { ...sweep, configuration: wider })
  const model = modelResult('ocr', {
    scenarios: [
      scenario(c1, { inferPerSec: 96, p99Ms: 13.1 }, { composing: after }),
      scenario(c8, { inferPerSec: 231, p99Ms: 66.4 }, { composing: [...before, unused] }),
      found,
      scenario(c16, { inferPerSec: 355, p99Ms: 82.3 }, { ...sweep, configuration: wider }),
      scenario(c8, { inferPerSec: 349, p99Ms: 45.2 }, { ...sweep, configuration: smaller }),
    ].map((each) =>
      each.configuration.committed ? { ...each, configuration: { committed: true, ...own } } : each,
    ),
    best: best({
      configuration: wider,
      load: c8,
      metrics: found.metrics,
      gain: 0.52,
      explanation: 'More instances of preprocess leave nobody waiting for it.',
      patch: `--- a/preprocess/config.pbtxt\n+++ b/preprocess/config.pbtxt\n@@ -10,2 +10,2 @@\n \n-instance_group [ { kind: KIND_CPU count: 1 } ]\n+instance_group [ { kind: KIND_CPU count: 3 } ]\n`,
    }),
    referenceScenarios: [
      scenario(c1, { inferPerSec: 144, p99Ms: 9.42 }, { composing: before }),
      scenario(c8, { inferPerSec: 341, p99Ms: 45.9 }, { composing: before }),
    ],
    comparisons: [
      comparison('latencyP99Ns', c1, 9.42 * ms, 1.39, { status: 'fail', pValue: 0.0001 }),
      comparison('latencyP99Ns', c8, 45.9 * ms, 1.447, { status: 'fail', pValue: 0.0001 }),
    ],
    warnings: [],
  })
  return withReasons(result('fail', [model, modelResult('add_sub')]), [
    {
      outcome: 'fail',
      model: 'ocr',
      message: 'p99 latency at concurrency 1 rose by 39.0 %, tolerated +5 %.',
    },
  ])
}

/** A decoupled model: the response times of its stream beside latency and throughput. */
export function decoupledResult(): Result {
  const streamed = (speed: Speed, firstMs: number, gapMs: number): Scenario => {
    const base = scenario(c1, speed)
    const n = base.metrics.latencyP99Ns?.n ?? 0
    return {
      ...base,
      metrics: {
        ...base.metrics,
        networkOverheadNs: null,
        timeToFirstResponseP50Ns: metric('timeToFirstResponseP50Ns', firstMs * ms, n),
        timeToFirstResponseP99Ns: metric('timeToFirstResponseP99Ns', firstMs * 1.8 * ms, n),
        interResponseP50Ns: metric('interResponseP50Ns', gapMs * ms, 15 * n),
        interResponseP99Ns: metric('interResponseP99Ns', gapMs * 2.2 * ms, 15 * n),
        responsesPerSec: metric('responsesPerSec', 16 * speed.inferPerSec, n),
      },
    }
  }
  const model = modelResult('captions', {
    scenarios: [streamed({ inferPerSec: 24, p99Ms: 61 }, 8.4, 2.2)],
    referenceScenarios: [streamed({ inferPerSec: 24.2, p99Ms: 60.4 }, 8.2, 2.2)],
    comparisons: [
      comparison('latencyP99Ns', c1, 60.4 * ms, 1.01),
      comparison('inferPerSec', c1, 24.2, 0.992),
      ...(
        [
          ['timeToFirstResponseP99Ns', 14.76 * ms, 1.024],
          ['interResponseP99Ns', 4.84 * ms, 1],
          ['responsesPerSec', 387, 0.992],
        ] as const
      ).map(([name, reference, ratio]) =>
        comparison(name, c1, reference, ratio, { primary: false, status: 'info', tolerance: 0 }),
      ),
    ],
  })
  return withReasons(result('pass', [model]), [
    { outcome: 'pass', message: 'Both comparisons are within what is tolerated, with 95 % confidence each.' },
  ])
}

/** A release against the one before, with p99 latency that crept in two steps since; the model's name wants to be more than a name. */
export function trendResult(): Result {
  const run = (index: number) => ({
    commit: index === 3 ? null : index.toString(16).padStart(2, '0').padEnd(40, 'c'),
    createdAt: `2026-02-${String(1 + (index % 28)).padStart(2, '0')}T03:00:00Z`,
  })
  const level = (index: number) => (index < 8 ? 40 : index < 16 ? 41.4 : 43)
  const points = Array.from({ length: 24 }, (_, index) => ({
    ...run(index),
    value: level(index) * ms * Math.exp((spread[index % spread.length] ?? 0) / 3),
  }))
  const trend: Trend = {
    since: referenceCommit,
    until: run(23),
    series: 12,
    tooShort: 2,
    crept: [
      {
        model: 'text_recognition',
        load: 'concurrency=8',
        metric: 'latencyP99Ns',
        changeRatio: 43 / 40,
        shifts: [
          { lastBefore: run(6), firstAfter: run(9), changeRatio: 41.4 / 40, pValue: 1e-5 },
          { lastBefore: run(15), firstAfter: run(16), changeRatio: 43 / 41.4, pValue: 1e-7 },
        ],
        points,
        levels: [
          { start: 0, end: 8, value: 40 * ms },
          { start: 8, end: 16, value: 41.4 * ms },
          { start: 16, end: 24, value: 43 * ms },
        ],
      },
      {
        model: '`|<b>@all</b>',
        load: '"]|``` concurrency=1',
        metric: 'inferPerSec',
        changeRatio: 0.96,
        shifts: [{ lastBefore: run(3), firstAfter: run(5), changeRatio: 0.96, pValue: 1e-4 }],
        points: points.slice(0, 12).map((point, index) => ({ ...point, value: index < 5 ? 100 : 96 })),
        levels: [
          { start: 0, end: 5, value: 100 },
          { start: 5, end: 12, value: 96 },
        ],
      },
    ],
    notListed: 1,
  }
  return {
    ...passResult(),
    trend,
    recent: {
      status: 'found',
      source: 'main/baseline.json',
      file: 'main/baseline.json',
      commit: run(23).commit,
      createdAt: run(23).createdAt,
    },
    invocation: {
      command: 'run',
      flags: ['--model-repository models', '--time-budget 600s'],
      output: 'triton-perf-gate-out',
      mode: 'gate',
      policies: ['--release'],
    },
  }
}

/** The same with nothing to say. */
export function steadyTrendResult(): Result {
  const { trend, ...rest } = trendResult()
  return { ...rest, ...(trend && { trend: { ...trend, since: null, crept: [], notListed: 0 } }) }
}
