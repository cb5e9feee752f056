import { expect, test } from 'vitest'
import {
  createServerLog,
  isBadUsage,
  isPortTaken,
  isStubDeath,
  logMessage,
  pollFailures,
} from './server-log.ts'

// Lines as Triton 2.51 wrote them.
const parser =
  '[libprotobuf ERROR /tmp/x/text_format.cc:337] Error parsing text-format inference.ModelConfig: 1:27: Message type "inference.ModelConfig" has no field named "nonsense".'
const poll =
  'E1123 02:33:51.112565 11575 model_repository_manager.cc:1460] "Poll failed for model directory \'broken\': failed to read text proto from /r/broken/config.pbtxt"'

test('the message without its head, in every format', () => {
  expect(logMessage(poll)).toBe(
    "Poll failed for model directory 'broken': failed to read text proto from /r/broken/config.pbtxt",
  )
  expect(logMessage('I0817 19:18:51.786824 2997733 file.cc:1265] old style')).toBe('old style')
  expect(logMessage('2026-08-17T19:18:51Z E 2997733 file.cc:1265] "a\\nb"')).toBe('a\nb')
  expect(logMessage('Signal (15) received.')).toBe('Signal (15) received.')
})

test('why a model was not read, with the place in its file', () => {
  expect(pollFailures([parser, poll])).toEqual([
    expect.stringMatching(/^Poll failed for model directory 'broken': .*1:27: .*"nonsense"/),
  ])
  expect(pollFailures([poll, parser])).toEqual([expect.not.stringContaining('nonsense')])
  expect(pollFailures(['I1123 02:33:49.595980 11575 model_lifecycle.cc:472] "loading: add:1"'])).toEqual([])
})

test('lines that mean something for the start', () => {
  const taken = "failed to start GRPC service: Unavailable - Socket '127.0.0.1:8001' already in use"
  const stub =
    '/b/triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0: cannot open'
  const exception = "terminate called after throwing an instance of 'std::invalid_argument'"
  const noModel =
    "I1128 02:11:51.774318 25781 pb_stub.cc:2105]  Failed to preinitialize Python stub: Python model file not found in '/r/m/1/model.py'"
  const usage = "tritonserver: unrecognized option '--no-such-flag=1'"
  for (const [is, lines] of [
    [isPortTaken, [taken]],
    // Of an exception nobody knows whose it was: a model may start programs, and get over their end.
    [isStubDeath, [stub, noModel]],
    [isBadUsage, [usage]],
  ] as const) {
    expect([taken, stub, exception, noModel, usage].filter(is)).toEqual(lines)
  }
})

test('the log keeps its end and tells its listeners', () => {
  const log = createServerLog()
  const heard: string[] = []
  const unlisten = log.listen((line) => heard.push(line))
  for (let index = 0; index < 1500; index += 1) log.add(`${index}`)
  unlisten()
  log.add('last')
  expect(log.tail(2)).toEqual(['1499', 'last'])
  expect(log.tail(Number.POSITIVE_INFINITY)).toHaveLength(1000)
  expect(heard).toHaveLength(1500)
})
