// The action's process: signals in, exit code out. What it does stands in action.ts.
import * as core from '@actions/core'
import { exitCodes } from '../domain/error.ts'
import { runAction } from './action.ts'

/** The runner sends SIGINT, after 7.5 s SIGTERM, and kills 2.5 s later: by then the servers must be gone. */
const interruptedMs = 6_000

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) return
    core.info(`${name}: stopping the servers`)
    stop.abort()
    setTimeout(() => process.exit(exitCodes.interrupted), interruptedMs)
  })
}

// Fail closed: whatever else ends this process - an unsettled promise, a library's exit - is no pass.
let judged = false
process.on('exit', (code) => {
  if (judged || code !== 0) return
  process.stdout.write('::error::the gate ended without a verdict\n')
  process.exitCode = exitCodes.environment
})

// An error that no promise carries would end the process at once: the report must say invalid first.
const crashed = new Promise<never>((_, reject) => process.on('uncaughtException', reject))

const exitCode = await runAction(stop.signal, crashed)
judged = true
// Not only process.exitCode: a connection that is still open must not hold the job.
process.exit(exitCode)
