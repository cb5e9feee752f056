import { expect, test } from 'vitest'
import { windowOf } from '../../test/support/windows.ts'
import { sendMetrics, sendPercentiles } from './send-metrics.ts'

const ramp = (n: number, from = 0) => Float64Array.from({ length: n }, (_, index) => from + index + 1)

test('a closed loop has neither service time nor lag', () => {
  expect(sendPercentiles([windowOf([1, 2])])).toEqual({})
  expect(sendMetrics([windowOf([1, 2])])).toEqual({})
})

test('service time and lag over the requests of all windows', () => {
  const windows = [0, 200].map((from) =>
    windowOf([], { sends: { serviceNs: ramp(200, from), lagNs: ramp(200, 1000 + from) } }),
  )
  expect(sendMetrics(windows)).toEqual({ serviceP50Ns: 200, serviceP99Ns: 396, sendLagP99Ns: 1396 })
  expect(sendPercentiles(windows).serviceP99Ns).toMatchObject({ n: 400, unit: 'ns' })
})

test('too few requests: p50 alone, and why', () => {
  const windows = [windowOf([], { sends: { serviceNs: ramp(20), lagNs: ramp(20) } })]
  expect(sendMetrics(windows)).toEqual({ serviceP50Ns: 10, serviceP99Ns: null, sendLagP99Ns: null })
  expect(sendPercentiles(windows).serviceP99Ns?.reason).toBe('p99 needs at least 299 requests, there were 20')
})
