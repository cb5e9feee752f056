import { describe, expect, test } from 'vitest'
import { steady } from '../../test/support/compare-model.ts'
import {
  makeAccepted,
  type makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { limitsOf } from '../config/limits.ts'
import type { AcceptedRegression } from '../domain/accepted.ts'
import type { HistoryPoint } from '../domain/measurements.ts'
import { baselineSchema } from '../domain/measurements.ts'
import { withAcceptedSteps } from './accepted-steps.ts'
import { baselineFrom } from './write.ts'

/** Main measured with these p99s (ms), one commit each; what is marked, by commit and metric. */
function marks(
  values: readonly number[],
  accepted: readonly AcceptedRegression[],
  throughput = 300,
  memory: readonly number[] = [],
): string[] {
  const config = makeConfig({ gate: { accepted } })
  let previous: ReturnType<typeof makeBaseline> | null = null
  for (const [index, ms] of values.entries()) {
    const gpuMemoryBytes = memory[index]
    const repetitions = steady(4, {
      latencyP99Ns: ms * 1e6,
      inferPerSec: throughput,
      ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }),
    })
    const measurements = makeMeasurements([makeModel('m', [makeScenario(repetitions)])], null, {
      commit: `c${index}`,
      createdAt: `2026-02-0${index + 1}T00:00:00Z`,
    })
    const next = baselineFrom(measurements, previous, '1', 0.01)
    if (next.status === 'refused') throw new Error(next.why)
    previous = baselineSchema.parse(withAcceptedSteps(next.baseline, measurements, config))
  }
  return (previous?.history ?? [])
    .filter((point: HistoryPoint) => point.accepted !== undefined)
    .map(({ commit, metric, accepted: reason }) => `${commit} ${metric} ${reason}`)
}

describe('the main branch takes over what is accepted', () => {
  test('the first value beyond the tolerance is marked, once', () => {
    expect(marks([40, 40, 44.5, 44.4, 44.6], [makeAccepted()])).toEqual(['c2 latencyP99Ns more layers'])
  })

  test('an entry that came before its step waits for it; noise within the tolerance is no step', () => {
    expect(marks([40, 41, 39.5, 41.5, 45], [makeAccepted()])).toEqual(['c4 latencyP99Ns more layers'])
  })

  test('a run that brings the entry is marked where it is worse at all; one that had it before is not', () => {
    const marksWith = (last: number, known: AcceptedRegression[]) => {
      const config = makeConfig({ gate: { accepted: [makeAccepted()] } })
      const limits = limitsOf(makeConfig({ gate: { accepted: known } }), ['m'])
      const git = { contained: [], reference: { status: 'read' as const, commit: 'c0', limits } }
      const measured = (ms: number, commit: string) =>
        makeMeasurements(
          [makeModel('m', [makeScenario(steady(4, { latencyP99Ns: ms * 1e6, inferPerSec: 300 }))])],
          null,
          { commit, createdAt: `2026-02-0${commit}`, git },
        )
      const next = (
        measurements: ReturnType<typeof measured>,
        previous: Parameters<typeof baselineFrom>[1],
      ) => {
        const written = baselineFrom(measurements, previous, '1', 0.01)
        if (written.status === 'refused') throw new Error(written.why)
        return withAcceptedSteps(written.baseline, measurements, config)
      }
      return next(measured(last, '2'), next(measured(40, '1'), null)).history.flatMap(
        ({ commit, metric, accepted }) => (accepted === undefined ? [] : [`${commit} ${metric}`]),
      )
    }
    expect(marksWith(41, [])).toEqual(['2 latencyP99Ns'])
    expect(marksWith(41, [makeAccepted({ reason: 'another' })])).toEqual(['2 latencyP99Ns'])
    expect(marksWith(41, [makeAccepted()])).toEqual([])
    expect(marksWith(44, [makeAccepted()])).toEqual(['2 latencyP99Ns'])
    expect(marksWith(39, [])).toEqual([])
  })

  test('without an entry, with one that has expired, or for something else, nothing is marked', () => {
    expect(marks([40, 45], [])).toEqual([])
    expect(marks([40, 45], [makeAccepted({ until: { kind: 'date', date: '2026-02-01' } })])).toEqual([])
    expect(marks([40, 45], [makeAccepted({ concurrency: 1 })])).toEqual([])
    expect(marks([40, 45], [makeAccepted({ metric: 'inferPerSec' })])).toEqual([])
  })

  test('of GPU memory a step is what a comparison would fail: beyond the relative and the absolute part together', () => {
    const memory = [makeAccepted({ metric: 'gpuMemoryBytes' })]
    expect(marks([40, 40], memory, 300, [1e9, 1.025e9])).toEqual([])
    expect(marks([40, 40], memory, 300, [1e9, 1.05e9])).toEqual(['c1 gpuMemoryBytes more layers'])
  })

  test('a change for the better is no step, nor is the first value of all', () => {
    expect(marks([45, 40], [makeAccepted()])).toEqual([])
    expect(marks([45], [makeAccepted()])).toEqual([])
  })

  test('each entry accepts one step, measured from the level since the last, the most specific first', () => {
    const two = [makeAccepted(), makeAccepted({ concurrency: 8, reason: 'at eight' })]
    expect(marks([40, 44.5, 50, 50], two)).toEqual([
      'c1 latencyP99Ns at eight',
      'c2 latencyP99Ns more layers',
    ])
    expect(marks([40, 44.5, 50, 50], [makeAccepted()])).toEqual(['c1 latencyP99Ns more layers'])
  })
})
