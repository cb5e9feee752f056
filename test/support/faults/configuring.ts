import { limitsOf } from '../../../src/config/limits.ts'
import { readConfig } from '../../../src/config/load-config.ts'
import type { Scenario } from '../../../src/domain/scenario.ts'
import { sha } from '../github/run-store.ts'
import { environment } from '../make-measurements.ts'
import type { Fault, Files } from './fault.ts'
import { beside, model, name, otherMachine, slower, stored } from './parts.ts'

const accepted = (until: string) =>
  `concurrency: 8\ngate: {accepted: [{model: m, metric: perf_latency_p99, up_to: 50%, reason: a larger model, ${until}}, {model: m, metric: perf_throughput, up_to: 50%, reason: a larger model, ${until}}]}\n`
const tooFewForP99: Scenario['metrics'] = {
  latencyP99Ns: {
    value: null,
    interval: null,
    n: 40,
    unit: 'ns',
    reason: 'p99 needs at least 299 requests, there were 40',
  },
  latencyP90Ns: { value: 30e6, interval: null, n: 40, unit: 'ns' },
}

/** Both sides were sent `bbbb`, and the reference's configuration would send what is given. */
const sentData = (inputData: string | null): Partial<Files> => {
  const limits = limitsOf(readConfig('concurrency: 8\n', 'c.yml', {}), [name])
  const models = limits.models.map((each) => ({ ...each, inputData }))
  return beside([model()], [model()], {
    environment: { ...environment, inputData: { [name]: 'bbbb' } },
    git: { contained: [], reference: { status: 'read', commit: sha('b'), limits: { ...limits, models } } },
  })
}

export const configuring: Fault[] = [
  { name: 'a key that is misspelt', met: 'error 2', files: { config: 'latency_bugdet: 10\n' } },
  { name: 'a budget that is broken', met: 'fail', files: { config: 'concurrency: 8\nlatency_budget: 30\n' } },
  {
    name: 'a budget on what was not measured',
    met: 'invalid',
    files: { config: 'concurrency: 8\nconstraints: {gpu_used_memory: {max: 4000}}\n' },
  },
  {
    name: 'a budget on p99, and too few requests for one',
    met: 'inconclusive',
    files: {
      ...beside([model(undefined, { metrics: tooFewForP99 })], [model()]),
      config: 'concurrency: 8\nlatency_budget: 90\n',
    },
  },
  {
    name: 'an acceptance that has expired',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until: 2025-12-31') },
  },
  {
    name: 'an acceptance whose end is out of sight, in the files of a run',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until: 9999-12-31') },
  },
  {
    name: 'an acceptance until a commit that git does not know',
    met: 'fail',
    files: { ...beside([slower(1.2)], [model()]), config: accepted('until_commit: "0123abc"') },
  },
  {
    name: 'a regression beyond what is accepted',
    met: 'fail',
    files: { ...beside([slower(1.8)], [model()]), config: accepted('until: 2026-12-31') },
  },
  {
    name: 'an acceptance that was used up on another class of machines',
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()]),
      config: accepted('until: 2026-12-31'),
      baseline: {
        ...stored,
        environment: otherMachine,
        acceptedBefore: (['latencyP99Ns', 'inferPerSec'] as const).map((metric) => ({
          model: name,
          load: 'concurrency=8',
          metric,
          commit: sha('d'),
          reason: 'a larger model',
        })),
      },
    },
  },
  {
    name: "an acceptance that the reference's configuration has already",
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()], {
        git: {
          contained: [],
          reference: {
            status: 'read',
            commit: sha('b'),
            limits: limitsOf(readConfig(accepted('until: 2026-12-31'), 'c.yml', {}), [name]),
          },
        },
      }),
      config: accepted('until: 2026-12-31'),
    },
  },
  {
    name: 'an acceptance of a model that is not there',
    met: 'fail',
    files: {
      ...beside([slower(1.2)], [model()]),
      config: accepted('until: 2026-12-31').replaceAll('model: m,', 'model: n,'),
    },
  },
  {
    name: 'an acceptance without an end',
    met: 'error 2',
    files: { config: accepted('up_to: 50%').replaceAll('up_to: 50%, reason', 'reason') },
  },
  {
    name: 'limits that the pull request loosens',
    met: 'pass',
    files: {
      ...beside([model()], [model()], {
        git: {
          contained: [],
          reference: {
            status: 'read',
            commit: sha('b'),
            limits: limitsOf(readConfig('concurrency: 8\nlatency_budget: 60\n', 'c.yml', {}), [name]),
          },
        },
      }),
      config: 'concurrency: 8\nlatency_budget: 90\ngate: {tolerance: {perf_latency_p99: 20%}}\n',
    },
  },
  {
    name: 'input data that the pull request changes under the same name',
    met: 'pass',
    files: sentData('aaaa'),
  },
  {
    name: 'input data of the reference that cannot be read',
    met: 'pass',
    files: sentData(null),
  },
  {
    name: 'the configuration of the reference cannot be read',
    met: 'pass',
    files: beside([model()], [model()], {
      git: { contained: [], reference: { status: 'unreadable', commit: sha('b'), why: 'a link' } },
    }),
  },
]
