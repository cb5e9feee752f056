import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { dockerTimeoutNs, lastLine } from './docker-image.ts'

/** A container engine that answers. */
export interface ContainerEngine {
  /** The command on PATH. */
  readonly command: 'docker' | 'podman'
  /** Podman, also where it is called docker, as podman-docker does: some arguments differ. */
  readonly isPodman: boolean
}

/**
 * The engine that is asked for; with `auto` docker, or podman where only that works.
 *
 * @returns where none can be used the GateError (`environment`) that says why
 */
export async function findContainerEngine(
  world: World,
  wanted: TritonSettings['containerEngine'],
): Promise<ContainerEngine | GateError> {
  const docker = wanted === 'podman' ? null : await tryEngine(world, 'docker')
  if (docker !== null && (wanted === 'docker' || !(docker instanceof GateError))) return docker
  const podman = await tryEngine(world, 'podman')
  // Whoever has named no engine and has none has docker in mind.
  return podman instanceof GateError && docker !== null ? docker : podman
}

async function tryEngine(
  world: World,
  command: ContainerEngine['command'],
): Promise<ContainerEngine | GateError> {
  const options = { timeoutNs: dockerTimeoutNs }
  const output = await world.run(command, ['version', '--format', '{{.Server.Version}}'], options)
  if (output.exitCode === 0) return { command, isPodman: await isPodman(world, command) }
  if (output.exitCode === 127)
    return new GateError('environment', `${command} is not installed (no such command)`, {
      hint: 'Install docker or podman, or take a Triton without a container: --triton local or embedded.',
    })
  return new GateError('environment', `${command} does not work: ${lastLine(output)}`, {
    hint: /permission denied/i.test(output.stderr)
      ? 'Add the user of the runner to the group docker and restart the runner.'
      : `Is the ${command} service running? Does ${command === 'docker' ? 'DOCKER_HOST' : 'CONTAINER_HOST'} point to it?`,
  })
}

async function isPodman(world: World, command: ContainerEngine['command']): Promise<boolean> {
  if (command === 'podman') return true
  const { stdout } = await world.run(command, ['--version'], { timeoutNs: dockerTimeoutNs })
  return /^podman/i.test(stdout)
}

/**
 * The user of the server where none is named: the gate's own, who can read what the gate checked out; null = the
 * image's. That is so where the gate is root, and where the engine gives the container other user ids than this
 * machine's: root in there is nobody special out here, and the gate's own number would be somebody else's.
 *
 * @param own ids of this process
 */
export async function defaultUser(
  world: World,
  engine: ContainerEngine,
  own: { readonly uid: number; readonly gid: number },
): Promise<string | null> {
  if (own.uid === 0) return null
  const format = engine.isPodman ? '{{.Host.Security.Rootless}}' : '{{json .SecurityOptions}}'
  const { exitCode, stdout } = await world.run(engine.command, ['info', '--format', format], {
    timeoutNs: dockerTimeoutNs,
  })
  const remapped = engine.isPodman ? stdout.trim() === 'true' : /name=(rootless|userns)/.test(stdout)
  return exitCode !== 0 || remapped ? null : `${own.uid}:${own.gid}`
}
