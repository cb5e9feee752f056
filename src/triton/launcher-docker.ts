import { statSync } from 'node:fs'
import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import { commandLineOf } from '../system/process-tree.ts'
import { type ContainerEngine, defaultUser, findContainerEngine } from './container-engine.ts'
import { dockerTimeoutNs, imageDigest } from './docker-image.ts'
import type { Launcher, ServerCommand, ServerPorts } from './launcher.ts'
import { hasMetrics, serverFlags } from './server-flags.ts'

const label = 'triton-perf-gate.owner'

/** Triton in a container of its own, started and removed by the engine's command. */
export async function resolveDocker(world: World, settings: TritonSettings): Promise<Launcher> {
  const engine = await findContainerEngine(world, settings.containerEngine)
  if (engine instanceof GateError) throw engine
  await removeStaleContainers(world, engine)
  const digest = await imageDigest(world, engine.command, settings.image)
  const gpus = settings.gpus ?? ((await hasGpu(world)) ? 'all' : [])
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const user = settings.dockerUser ?? (await defaultUser(world, engine, own))
  let count = 0
  return {
    kind: 'process',
    mode: 'docker',
    source: engine.isPodman ? `${digest}, podman` : digest,
    network: settings.dockerNetwork,
    containerEngine: engine.isPodman ? 'podman' : 'docker',
    startTimeoutNs: settings.startTimeoutNs,
    hasMetrics: hasMetrics(settings),
    serverCommand: (repository, ports) => {
      count += 1
      if (user !== null) requireReadable(repository, user)
      const name = `triton-perf-gate-${processIdentity()}-${count}`
      return containerCommand(world, settings, { engine, name, user, gpus, repository, ports })
    },
  }
}

/**
 * Triton's own word for a repository that it may not read is that the path does not exist. A user by name is the image's,
 * and who that is here is not known.
 */
function requireReadable(repository: string, user: string): void {
  const [uid, gid] = user.split(':').map(Number)
  const folder = statSync(repository, { throwIfNoEntry: false })
  if (folder === undefined || uid === undefined || Number.isNaN(uid) || uid === 0) return
  const wanted = folder.uid === uid ? 0o500 : folder.gid === gid ? 0o050 : 0o005
  if ((folder.mode & wanted) === wanted) return
  throw new GateError(
    'environment',
    `the server's user ${user} may not read the model repository ${repository}`,
    {
      hint: `Allow it (chmod -R a+rX), or choose another user by gate.docker_user; the folder's owner is ${folder.uid}.`,
    },
  )
}

interface Container {
  readonly engine: ContainerEngine
  readonly name: string
  /** `user[:group]`; null = the image's. */
  readonly user: string | null
  readonly gpus: 'all' | readonly string[]
  readonly repository: string
  readonly ports: ServerPorts
}

function containerCommand(world: World, settings: TritonSettings, container: Container): ServerCommand {
  const { command } = container.engine
  return {
    command,
    args: containerArguments(settings, container),
    env: {},
    // `docker run` is only the client; nvidia-smi and /proc know the server by its own pid.
    rootPid: async () => {
      const args = ['inspect', '--format', '{{.State.Pid}}', container.name]
      const pid = Number((await world.run(command, args, { timeoutNs: dockerTimeoutNs })).stdout.trim()) || 0
      // Docker numbers processes as its host does. From inside a container that pid is nobody here, or somebody else.
      if (commandLineOf(pid).includes(`--grpc-port=${container.ports.grpc}`)) return pid
      world.progress(
        "the container's processes are not visible from here: server memory, server CPU and GPU memory by process are not available",
      )
      return 0
    },
    // A container that failed to start stays as "Created" even with --rm.
    cleanUp: async () => {
      await world.run(command, ['rm', '--force', container.name], { timeoutNs: dockerTimeoutNs })
    },
  }
}

/** The arguments of `docker run` and `podman run`; the user's own come last before the image, so that they hold. */
function containerArguments(settings: TritonSettings, container: Container): string[] {
  const { engine, name, user, gpus, repository, ports } = container
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
    ...(engine.isPodman ? podmanOnly : []),
    // Libraries keep caches below HOME and ask for the user's name: one that is unknown to the image has neither.
    ...(user === null ? [] : [`--user=${user}`, '--env=HOME=/tmp', '--env=USER=triton']),
    ...(engine.isPodman ? cdiDevices(gpus) : gpuArguments(gpus)),
    `--mount=type=bind,"source=${repository.replaceAll('"', '""')}",target=/models,readonly`,
    ...environment,
    ...settings.dockerArgs,
    settings.image,
    'tritonserver',
    ...serverFlags(settings, '/models', ports, ownNetwork ? '0.0.0.0' : '127.0.0.1'),
  ]
}

const podmanOnly = [
  // It hands the job's proxy variables on, which may hold a password.
  '--http-proxy=false',
  // Where SELinux is on, a container can read neither the repository nor the GPUs unless they are labelled anew.
  '--security-opt=label=disable',
]

/** Podman 4 takes `--gpus` and ignores it: it knows GPUs by the Container Device Interface. */
function cdiDevices(gpus: 'all' | readonly string[]): string[] {
  return (gpus === 'all' ? ['all'] : gpus).map((gpu) => `--device=nvidia.com/gpu=${gpu}`)
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
async function removeStaleContainers(world: World, { command }: ContainerEngine): Promise<void> {
  const options = { timeoutNs: dockerTimeoutNs }
  const filter = ['--all', '--quiet', '--filter', `label=${label}`]
  const ids = (await world.run(command, ['ps', ...filter], options)).stdout.split('\n').filter(Boolean)
  if (ids.length === 0) return
  // Of `ps` docker and podman have formats that differ. One that is gone meanwhile is left out.
  const format = `{{.Id}} {{index .Config.Labels "${label}"}}`
  const { stdout } = await world.run(command, ['inspect', '--format', format, ...ids], options)
  for (const line of stdout.split('\n')) {
    const [id, owner] = line.trim().split(' ')
    if (id === undefined || owner === undefined || stateOf(owner) !== 'dead') continue
    world.progress(`removing container ${id.slice(0, 12)}, left behind by a run that was killed`)
    await world.run(command, ['rm', '--force', id], options)
  }
}
