// The safety net: runs after the job's steps, also when the main step was cancelled or killed.
import * as core from '@actions/core'
import { killQuietly } from '../system/run-command.ts'
import { runCommand } from './run-command.ts'
import { killLeftovers, parseStarted, stateName } from './safety-net.ts'

const killed = await killLeftovers(parseStarted(core.getState(stateName)), runCommand, (pid) =>
  killQuietly(-pid, 'SIGKILL'),
)
if (killed.length > 0) core.warning(`the gate left these behind; they are ended now: ${killed.join(', ')}`)
