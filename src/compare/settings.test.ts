import { expect, test } from 'vitest'
import { base, found, steady } from '../../test/support/compare-model.ts'
import {
  makeBaseline,
  makeConfig,
  makeMeasurements,
  makeModel,
  makeScenario,
} from '../../test/support/make-measurements.ts'
import { judge } from '../judge.ts'

const side = (settingsHash?: string) =>
  makeModel('m', [makeScenario(steady(8, base))], settingsHash === undefined ? {} : { settingsHash })

/** What is said of settings where the candidate has `own`, and a stored baseline `stored`. */
function said(own: string | undefined, stored: string | undefined, besideReference = false): string[] {
  const { warnings } = judge({
    measurements: makeMeasurements([side(own)], besideReference ? [side(own)] : null),
    baseline: makeBaseline([side(stored)]),
    baselineStatus: found,
    config: makeConfig(),
    mode: 'gate',
  })
  return warnings.filter((each) => each.includes('other settings'))
}

test('a stored number that was measured with other settings is told, since the difference may hide a change', () => {
  expect(said('a', 'b')).toEqual([
    expect.stringMatching(/^The baseline measured m with other settings .*--reference/),
  ])
})

test('not where they are the same or not known, nor where both sides were measured in this run', () => {
  expect([said('a', 'a'), said(undefined, 'a'), said('a', undefined), said('a', 'b', true)]).toEqual([
    [],
    [],
    [],
    [],
  ])
})
