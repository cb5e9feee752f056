import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import { commandLineOf } from '../system/process-tree.ts'
import { dockerTimeoutNs, imageDigest, lastLine } from './docker-image.ts'
import type { Launcher, ServerCommand, ServerPorts } from './launcher.ts'
import { hasMetrics, serverFlags } from './server-flags.ts'

const label = 'triton-perf-gate.owner'

/** Triton in a container of its own, started and removed by the docker command. */
export async function resolveDocker(world: World, settings: TritonSettings): Promise<Launcher> {
  const trouble = await dockerTrouble(world)
  if (trouble !== null) throw trouble
  await removeStaleContainers(world)
  const digest = await imageDigest(world, settings.image)
  const gpus = settings.gpus ?? ((await hasGpu(world)) ? 'all' : [])
  let count = 0
  return {
    kind: 'process',
    mode: 'docker',
    source: digest,
    network: settings.dockerNetwork,
    startTimeoutNs: settings.startTimeoutNs,
    hasMetrics: hasMetrics(settings),
    serverCommand: (repository, ports) => {
      count += 1
      const name = `triton-perf-gate-${processIdentity()}-${count}`
      return containerCommand(world, settings, { name, gpus, repository, ports })
    },
  }
}

/** Why docker cannot be used; null where it works. */
export async function dockerTrouble(world: World): Promise<GateError | null> {
  const options = { timeoutNs: dockerTimeoutNs }
  const output = await world.run('docker', ['version', '--format', '{{.Server.Version}}'], options)
  if (output.exitCode === 0) return null
  if (output.exitCode === 127)
    return new GateError('environment', 'docker is not installed (no such command)')
  return new GateError('environment', `docker does not work: ${lastLine(output)}`, {
    hint: /permission denied/i.test(output.stderr)
      ? 'Add the user of the runner to the group docker and restart the runner.'
      : 'Is the docker service running? Does DOCKER_HOST point to it?',
  })
}

interface Container {
  readonly name: string
  readonly gpus: 'all' | readonly string[]
  readonly repository: string
  readonly ports: ServerPorts
}

function containerCommand(world: World, settings: TritonSettings, container: Container): ServerCommand {
  return {
    command: 'docker',
    args: containerArguments(settings, container),
    env: {},
    // `docker run` is only the client; nvidia-smi and /proc know the server by its own pid.
    rootPid: async () => {
      const args = ['inspect', '--format', '{{.State.Pid}}', container.name]
      const pid = Number((await world.run('docker', args, { timeoutNs: dockerTimeoutNs })).stdout.trim()) || 0
      // Docker numbers processes as its host does. From inside a container that pid is nobody here, or somebody else.
      if (commandLineOf(pid).includes(`--grpc-port=${container.ports.grpc}`)) return pid
      world.progress(
        "the container's processes are not visible from here: server memory, server CPU and GPU memory by process are not available",
      )
      return 0
    },
    // A container that failed to start stays as "Created" even with --rm.
    cleanUp: async () => {
      await world.run('docker', ['rm', '--force', container.name], { timeoutNs: dockerTimeoutNs })
    },
  }
}

/** The arguments of `docker run`; the user's own come last before the image, so that they hold. */
function containerArguments(settings: TritonSettings, container: Container): string[] {
  const { name, gpus, repository, ports } = container
  const user = settings.dockerUser
  const ownNetwork = settings.dockerNetwork === 'bridge'
  const publish = [ports.grpc, ports.metrics].flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`])
  const environment = Object.entries(settings.serverEnvironment).flatMap(([key, value]) => [
    '--env',
    `${key}=${value}`,
  ])
  return [
    'run',
    '--rm',
    '--init',
    `--name=${name}`,
    `--label=${label}=${processIdentity()}`,
    // The python backend keeps 1 MB and more for each instance there; docker's default is 64 MB.
    '--shm-size=1g',
    ...(ownNetwork ? publish : ['--network=host']),
    // A model must not get more rights than the server began with, whatever the image holds.
    '--security-opt=no-new-privileges',
    // Libraries keep caches below HOME, which a user unknown to the image does not have.
    ...(user === null ? [] : [`--user=${user}`, '--env=HOME=/tmp']),
    ...gpuArguments(gpus),
    `--mount=type=bind,"source=${repository.replaceAll('"', '""')}",target=/models,readonly`,
    ...environment,
    ...settings.dockerArgs,
    settings.image,
    'tritonserver',
    ...serverFlags(settings, '/models', ports, ownNetwork ? '0.0.0.0' : '127.0.0.1'),
  ]
}

function gpuArguments(gpus: 'all' | readonly string[]): string[] {
  if (gpus === 'all') return ['--gpus=all']
  // The quotes belong to the value: it is read as CSV, where a comma would begin the next option.
  return gpus.length === 0 ? [] : [`--gpus="device=${gpus.join(',')}"`]
}

async function hasGpu(world: World): Promise<boolean> {
  return (await world.run('nvidia-smi', ['-L'], { timeoutNs: dockerTimeoutNs })).exitCode === 0
}

/** Containers whose owner was killed before it could remove them. */
async function removeStaleContainers(world: World): Promise<void> {
  const format = `{{.ID}} {{.Label "${label}"}}`
  const args = ['ps', '--all', '--filter', `label=${label}`, '--format', format]
  const { stdout } = await world.run('docker', args, { timeoutNs: dockerTimeoutNs })
  for (const line of stdout.split('\n')) {
    const [id, owner] = line.trim().split(' ')
    if (id === undefined || owner === undefined || stateOf(owner) !== 'dead') continue
    world.progress(`removing container ${id}, left behind by a run that was killed`)
    await world.run('docker', ['rm', '--force', id], { timeoutNs: dockerTimeoutNs })
  }
}
