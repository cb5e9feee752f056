// A closed loop over @grpc/grpc-js with nothing around it: one channel, one unary call for each outstanding request,
// the next one from the answer's callback. The message is encoded once and the answer is left as bytes, so that no
// protobuf library is measured: a client with generated messages costs more.
import { Client, credentials } from '@grpc/grpc-js'
import { quantile } from '../../src/stats/quantile.ts'
import type { Stretch, StretchResult } from './protocol.ts'

const path = '/inference.GRPCInferenceService/ModelInfer'
const framePrefixBytes = 5
let client: Client | undefined

process.on('message', (stretch: Stretch) => run(stretch))
process.on('disconnect', () => process.exit())
process.send?.('ready')

function run({ target, concurrency, durationNs }: Stretch): void {
  client ??= new Client(`${target.host}:${target.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  })
  const channel = client
  // Structured clone makes a Buffer a Uint8Array; grpc-js adds the frame's prefix itself.
  const messages = target.frames.map((frame) => Buffer.from(frame).subarray(framePrefixBytes))
  const same = (message: Buffer) => message
  const startNs = process.hrtime.bigint()
  const endNs = startNs + BigInt(durationNs)
  const latenciesNs: number[] = []
  let failed = 0
  let step = 0
  let outstanding = concurrency

  const next = () => {
    const sentNs = process.hrtime.bigint()
    if (sentNs >= endNs) {
      outstanding -= 1
      if (outstanding === 0) finish()
      return
    }
    const message = messages[step++ % messages.length] as Buffer
    channel.makeUnaryRequest(path, same, same, message, (error) => {
      if (error === null) latenciesNs.push(Number(process.hrtime.bigint() - sentNs))
      else failed += 1
      next()
    })
  }
  const finish = () => {
    const sorted = Float64Array.from(latenciesNs).sort()
    const result: StretchResult = {
      requests: sorted.length,
      failed,
      latencyP50Ns: quantile(sorted, 0.5) ?? Number.NaN,
      latencyP99Ns: quantile(sorted, 0.99) ?? Number.NaN,
      accountedRatio: null,
    }
    process.send?.(result)
  }
  for (let index = 0; index < concurrency; index++) next()
}
