// The safety net: runs after the job's steps, also when the main step was cancelled or killed.
import * as core from '@actions/core'
import { freeLeftClocks } from '../gpu/clocks.ts'
import { killQuietly } from '../system/run-command.ts'
import { runCommand } from './run-command.ts'
import { killLeftovers, parseStarted, stateName } from './safety-net.ts'

const killed = await killLeftovers(parseStarted(core.getState(stateName)), runCommand, (pid) =>
  killQuietly(-pid, 'SIGKILL'),
)
if (killed.length > 0) core.warning(`the gate left these behind; they are ended now: ${killed.join(', ')}`)

// After the kill: the main step's process is gone, and what it locked has no owner any more.
for (const said of await freeLeftClocks({ run: runCommand })) core.warning(said)
