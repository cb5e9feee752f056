import type { TritonSettings } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import type { Launcher, ServerCommand, ServerPorts } from './launcher.ts'
import { hasMetrics, serverFlags } from './server-flags.ts'

const label = 'triton-perf-gate.owner'
const dockerTimeoutNs = 60 * nsPerSecond
/** Triton's images have 7 to 10 GB: an hour at 20 Mbit/s. */
const pullTimeoutNs = 3600 * nsPerSecond

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
      return Number((await world.run('docker', args, { timeoutNs: dockerTimeoutNs })).stdout.trim()) || 0
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
  // With the host's network a request does not pass the proxy that publishes ports, which costs 0.14 ms.
  const ownNetwork = settings.dockerArgs.some((argument) => /^--net(work)?(=|$)/.test(argument))
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

/** The image with its digest, pulled if it is not there; an image that was built here has only an id. */
async function imageDigest(world: World, image: string): Promise<string> {
  let digest = await inspectImage(world, image)
  if (digest === null) {
    world.progress(`pulling ${image}`)
    const output = await world.run('docker', ['pull', '--quiet', image], { timeoutNs: pullTimeoutNs })
    if (output.exitCode !== 0) {
      throw new GateError('environment', `the image ${image} could not be pulled: ${lastLine(output)}`, {
        hint: 'Check its name and tag, the network, and `docker login` for a private registry.',
      })
    }
    digest = await inspectImage(world, image)
  }
  if (digest === null)
    throw new GateError('environment', `docker does not know the image ${image} after pulling it`)
  return digest
}

async function inspectImage(world: World, image: string): Promise<string | null> {
  const format = '{{json .RepoDigests}} {{.Id}}'
  const args = ['image', 'inspect', '--format', format, image]
  const output = await world.run('docker', args, { timeoutNs: dockerTimeoutNs })
  if (output.exitCode !== 0) return null
  const [, digests = '[]', id = ''] = /^(\[.*\]|null) (\S+)/.exec(output.stdout.trim()) ?? []
  const [digest] = (JSON.parse(digests) ?? []) as string[]
  return digest ?? `${image} (${id})`
}

function lastLine(output: RunOutput): string {
  if (output.timedOut) return 'no answer'
  const lines = output.stderr.trim() || output.stdout.trim()
  return lines.split('\n').at(-1) || `exit code ${output.exitCode}`
}
