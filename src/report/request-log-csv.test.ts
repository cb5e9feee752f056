import { expect, test } from 'vitest'
import { renderRequestLog } from './request-log-csv.ts'

test('a row for each request; what was not sent, or did not fail, is empty', () => {
  const log = {
    dueNs: Float64Array.of(-5, 10),
    sentNs: Float64Array.of(-4, Number.NaN),
    endNs: Float64Array.of(3, 20),
    failure: Float64Array.of(-1, 0),
    failures: ['connection'],
  }
  const text = renderRequestLog([
    { loadKey: 'concurrency=1', windows: [{ durationNs: 100 }] },
    { loadKey: 'requestRate=5,batchSize=2', windows: [{ durationNs: 90, log }] },
  ])
  expect(text.split('\r\n')).toEqual([
    'load,window,window_ns,due_ns,sent_ns,end_ns,failure',
    '"requestRate=5,batchSize=2",0,90,-5,-4,3,',
    '"requestRate=5,batchSize=2",0,90,10,,20,connection',
    '',
  ])
})
