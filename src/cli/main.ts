#!/usr/bin/env node
import { asGateError, describeError, exitCodes, GateError } from '../domain/error.ts'
import { makeProgram } from './program.ts'

// Fail closed: whatever ends this process before a command set the code - an unsettled promise, an early
// exit - must not look like a pass.
process.exitCode = exitCodes.environment

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted)
      process.stderr.write(`\n${signal}: stopping the servers, keeping what was measured\n`)
    stop.abort()
  })
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    // Node would end with 1, the code of a regression that was found.
    process.stderr.write(`${describeError(asGateError(error))}\n`)
    process.exit(exitCodes.environment)
  })
}

try {
  process.exitCode = await makeProgram(stop.signal).run(process.argv)
} catch (error) {
  const foreseen = asGateError(error)
  // What was going on when the servers were stopped complains of that: no news to whoever sent the signal.
  const isEcho = stop.signal.aborted && foreseen.code !== 'interrupted'
  const gateError = isEcho ? new GateError('interrupted', 'interrupted', { cause: foreseen }) : foreseen
  process.stderr.write(`${describeError(gateError)}\n`)
  if (process.argv.includes('--verbose') && gateError.cause instanceof Error) {
    process.stderr.write(`${gateError.cause.stack ?? gateError.cause.message}\n`)
  }
  process.exitCode = gateError.exitCode
}
