import type { LaunchedProcess, World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'

/** What the main step has started and the post step must not leave behind. */
export interface Started {
  /** Leaders of process groups: pid with start time (system/process-identity.ts), since pids are used again. */
  readonly processes: readonly { readonly pid: number; readonly identity: string }[]
  /** With the command (docker, podman) that knows them. */
  readonly containers: readonly { readonly engine: string; readonly name: string }[]
}

/** The name under which the state stands in GITHUB_STATE. */
export const stateName = 'started'

/**
 * `world` that tells `save` of everything it launches, as soon as it runs. A container outlives the
 * process that attached to it, so it is remembered by its name.
 */
export function recordLaunches(world: World, save: (started: Started) => void): World {
  const processes: Started['processes'][number][] = []
  const containers: Started['containers'][number][] = []
  return {
    ...world,
    launch(command, args, options): LaunchedProcess {
      const launched = world.launch(command, args, options)
      if (launched.pid > 0) processes.push({ pid: launched.pid, identity: processIdentity(launched.pid) })
      const name = containerName(command, args)
      if (name !== null) containers.push({ engine: command, name })
      save({ processes, containers })
      return launched
    },
  }
}

function containerName(command: string, args: readonly string[]): string | null {
  if (!/(^|\/)(docker|podman)$/.test(command) || args[0] !== 'run') return null
  const joined = args.find((arg) => arg.startsWith('--name='))
  const at = args.indexOf('--name')
  return joined?.slice('--name='.length) ?? (at < 0 ? null : (args[at + 1] ?? null))
}

/** The recorded state as text, and back; a text that is no such state is as good as none. */
export function parseStarted(text: string): Started {
  const nothing: Started = { processes: [], containers: [] }
  if (text === '') return nothing
  const { processes, containers } = JSON.parse(text) as Partial<Started>
  return { processes: processes ?? [], containers: containers ?? [] }
}

/**
 * Kills what still lives of it.
 *
 * @param kill sends SIGKILL to a process group
 * @returns what had to be killed, in words; empty after an orderly end
 */
export async function killLeftovers(
  started: Started,
  run: World['run'],
  kill: (pid: number) => void,
): Promise<readonly string[]> {
  const killed: string[] = []
  for (const { pid, identity } of started.processes) {
    if (stateOf(identity) !== 'alive') continue
    kill(pid)
    killed.push(`process ${pid}`)
  }
  for (const { engine, name } of started.containers) {
    // `docker rm -f` also succeeds for a container that is gone, but then prints no name.
    const { exitCode, stdout } = await run(engine, ['rm', '--force', name])
    if (exitCode === 0 && stdout.trim() === name) killed.push(`container ${name}`)
  }
  return killed
}
