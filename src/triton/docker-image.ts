import { GateError } from '../domain/error.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'

export const dockerTimeoutNs = 60 * nsPerSecond
/** Triton's images have 7 to 10 GB: an hour at 20 Mbit/s. */
const pullTimeoutNs = 3600 * nsPerSecond

/** The image with its digest, pulled if it is not there; an image that was built here has only an id. */
export async function imageDigest(world: World, engine: string, image: string): Promise<string> {
  let digest = await inspectImage(world, engine, image)
  if (digest === null) {
    await pull(world, engine, image)
    digest = await inspectImage(world, engine, image)
  }
  if (digest === null)
    throw new GateError('environment', `${engine} does not know the image ${image} after pulling it`)
  return digest
}

async function pull(world: World, engine: string, image: string): Promise<void> {
  world.progress(`pulling ${image}`)
  const output = await world.run(engine, ['pull', image], {
    timeoutNs: pullTimeoutNs,
    onLine: pullProgress(world),
  })
  if (output.exitCode === 0) return
  throw new GateError('environment', `the image ${image} could not be pulled: ${lastLine(output)}`, {
    hint: output.timedOut ? 'Pull it before the job.' : pullHint(output.stderr, engine, image),
  })
}

/** Without a terminal docker prints a line whenever a layer changes its state: says how many are there. */
function pullProgress(world: World): (line: string) => void {
  const layers = new Map<string, boolean>()
  return (line) => {
    const [, layer, state = ''] = /^([0-9a-f]{12}): (.*)$/.exec(line.trim()) ?? []
    if (layer === undefined) return
    const whole = /^(Pull complete|Already exists)/.test(state)
    if (layers.get(layer) === whole) return
    layers.set(layer, whole)
    const done = [...layers.values()].filter(Boolean).length
    if (whole) world.progress(`  ${done} of ${layers.size} layers are there`)
  }
}

/** What docker's and the registries' usual refusals mean, and what to do; the first that fits holds. */
const pullTroubles: readonly (readonly [RegExp, (registry: string, engine: string) => string])[] = [
  [
    /toomanyrequests|rate limit/i,
    (registry, engine) =>
      `${registry} limits how much is pulled without an account: \`${engine} login ${registry}\`, or a mirror of your own.`,
  ],
  [
    /manifest unknown|not found: manifest|manifest for .* not found/i,
    () => 'The registry has no such tag; Triton’s are named like 26.04-py3.',
  ],
  [
    /no space left/i,
    (_, engine) =>
      `Triton’s images take 20 GB and more unpacked: \`${engine} system prune\` frees what is unused.`,
  ],
  [
    /unauthorized|denied|authentication required|no basic auth|403 Forbidden|401/i,
    (registry, engine) =>
      `${registry} wants to know who asks, or there is no such image: \`${engine} login ${registry}\` as the user of the runner, before the gate (for nvcr.io with the user name $oauthtoken and an NGC key).`,
  ],
  [
    /x509|certificate/i,
    (registry, engine) =>
      `${engine} does not trust the certificate of ${registry}: give it its CA (/etc/${engine === 'podman' ? 'containers' : 'docker'}/certs.d).`,
  ],
]

function pullHint(stderr: string, engine: string, image: string): string {
  // The first part is a registry only where it looks like a host (distribution/reference).
  const [first = '', ...rest] = image.split('/')
  const registry = rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : 'docker.io'
  const hint = pullTroubles.find(([pattern]) => pattern.test(stderr))?.[1](registry, engine)
  return hint ?? `Check its name and tag, the network, and \`${engine} login\` for a private registry.`
}

async function inspectImage(world: World, engine: string, image: string): Promise<string | null> {
  const format = '{{json .RepoDigests}} {{.Id}}'
  const args = ['image', 'inspect', '--format', format, image]
  const output = await world.run(engine, args, { timeoutNs: dockerTimeoutNs })
  if (output.exitCode !== 0) return null
  const [, digests = '[]', id = ''] = /^(\[.*\]|null) (\S+)/.exec(output.stdout.trim()) ?? []
  const [digest] = (JSON.parse(digests) ?? []) as string[]
  return digest ?? `${image} (${id})`
}

/** The command's last words. */
export function lastLine(output: RunOutput): string {
  if (output.timedOut) return 'no answer'
  const lines = output.stderr.trim() || output.stdout.trim()
  return lines.split('\n').at(-1) || `exit code ${output.exitCode}`
}
