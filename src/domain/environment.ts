import { z } from 'zod'
import { toolSchema } from './tool.ts'

/** Where and on what something was measured: everything that makes two numbers comparable or not. */
export const environmentSchema = z
  .strictObject({
    triton: z.strictObject({
      /** `tritonserver` version as the server says it, e.g. 2.51.0. */
      version: z.string(),
      mode: z.enum(['embedded', 'local', 'docker', 'remote']),
      /** Image with digest for docker, path for local, endpoint for remote. */
      source: z.string(),
      /** Of the container: through published ports a request takes 0.14 ms longer than on the host's network. Docker only. */
      network: z.enum(['bridge', 'host']).optional(),
      /** What runs the container; docker where it is left out. Engines publish ports by programs of their own. Docker mode only. */
      containerEngine: z.enum(['docker', 'podman']).optional(),
    }),
    gpus: z.array(
      z.strictObject({
        uuid: z.string(),
        name: z.string(),
        driverVersion: z.string(),
        memoryTotalBytes: z.number().nonnegative(),
        mig: z.boolean().nullable(),
        /** SM clock in MHz at which this run held the GPU; left out where clocks ran free. */
        lockedClockMegahertz: z.number().positive().optional(),
      }),
    ),
    /** Why there is no GPU reading, e.g. "nvidia-smi not found"; null where there is one. */
    gpuUnavailable: z.string().nullable(),
    host: z.strictObject({
      /** A class of machines, not a name: `gate.runner_class`, else made from CPU model, cores and memory. */
      runnerClass: z.string(),
      cpuModel: z.string(),
      cpuCount: z.int().positive(),
      /** CPUs that this container may use at most; left out where no limit is seen. */
      cpuLimit: z.number().positive().optional(),
      /** How the kernel chooses the CPU's clock, e.g. `performance`; left out where it does not say. */
      cpuGovernor: z.string().optional(),
      memoryTotalBytes: z.number().nonnegative(),
      os: z.string(),
    }),
    /** What made the load, with its version; left out where it was this program's own generator. */
    engine: z.string().optional(),
    /** How this program's own generator measures (load/generator-version.ts); 1 where it is left out. */
    generatorVersion: z.int().positive().optional(),
    tool: toolSchema,
    /** By model, the sha256 of what was sent: values or how they were made, files, shapes, shared memory. */
    inputData: z.record(z.string(), z.string()).optional(),
  })
  .readonly()
  .meta({ id: 'environment' })

export type Environment = z.infer<typeof environmentSchema>

/** What differs between two environments so that their absolute numbers must not be compared; empty if nothing does. */
export function incomparable(a: Environment, b: Environment): string[] {
  const gpus = (environment: Environment) => environment.gpus.map(describeGpu).join(', ') || 'none'
  const containerEngine = ({ triton }: Environment) => triton.containerEngine ?? 'docker'
  const fields: Field[] = [
    ['runner class', a.host.runnerClass, b.host.runnerClass],
    ['GPU', gpus(a), gpus(b)],
    ['Triton version', a.triton.version, b.triton.version],
    ['Triton mode', a.triton.mode, b.triton.mode],
    ['container network', a.triton.network ?? 'none', b.triton.network ?? 'none'],
    ['container engine', containerEngine(a), containerEngine(b)],
    ['engine', engineOf(a), engineOf(b)],
    ['CPU limit', cpuLimit(a), cpuLimit(b)],
  ]
  // What was sent to a model says something of that model alone (conditions.ts): here only whether it is known at all.
  const isOneSided = (a.inputData === undefined) !== (b.inputData === undefined)
  return [...differing(fields), ...(isOneSided ? ['input data: known of one side only'] : [])]
}

/** What made the load, with the version that its numbers depend on. Files that are older than versions were made by the first. */
function engineOf({ engine, generatorVersion = 1 }: Environment): string {
  return engine ?? (generatorVersion === 1 ? 'builtin' : `builtin, version ${generatorVersion}`)
}

/**
 * What differs within what can be compared; empty if nothing does. Kernels and images of one version come with every update, and move the
 * numbers seldom: a stored baseline that each of them ended would hardly ever be there. So it is told, and not refused.
 */
export function notTheSame(a: Environment, b: Environment): string[] {
  const source = ({ triton }: Environment) =>
    triton.mode === 'docker' || triton.mode === 'remote' ? triton.source : 'none'
  return differing([
    [b.triton.mode === 'remote' ? 'endpoint' : 'image', source(a), source(b)],
    ['system', a.host.os, b.host.os],
    ['CPU governor', a.host.cpuGovernor ?? 'unknown', b.host.cpuGovernor ?? 'unknown'],
    cpus(a, b),
  ])
}

/**
 * What differs so that the runs of one do not foretell a run of the other; empty if nothing does. Stricter than `incomparable`, since
 * nothing else is measured beside it: a newer kernel or another image that is faster would hide a model that got slower.
 */
export function unlike(a: Environment, b: Environment): string[] {
  return [...incomparable(a, b), ...notTheSame(a, b)]
}

/**
 * What differs so that measurements of one may not be gone on with in the other; empty if nothing does. Stricter than
 * `incomparable`: the same GPU, not one like it, and the same server and version of this program.
 */
export function foreign(a: Environment, b: Environment): string[] {
  const uuids = ({ gpus }: Environment) => gpus.map(({ uuid }) => uuid).join(', ') || 'none'
  const fields: Field[] = [
    ['Triton', a.triton.source, b.triton.source],
    ['GPU', uuids(a), uuids(b)],
    cpus(a, b),
    ['version', a.tool.version, b.tool.version],
  ]
  return [...incomparable(a, b), ...differing(fields)]
}

type Field = [name: string, a: string, b: string]

function cpus(a: Environment, b: Environment): Field {
  const of = ({ host }: Environment) => `${host.cpuCount} × ${host.cpuModel}`
  return ['CPUs', of(a), of(b)]
}

/** A container's share of its machine, which no name of a class of machines tells. */
function cpuLimit({ host }: Environment): string {
  return `${host.cpuLimit ?? 'none'}`
}

function differing(fields: readonly Field[]): string[] {
  return fields.filter(([, x, y]) => x !== y).map(([name, x, y]) => `${name}: ${x} ≠ ${y}`)
}

/** With MIG a server gets a slice of it. nvidia-smi does not say (null) where a GPU knows no MIG. */
function describeGpu({
  name,
  driverVersion,
  lockedClockMegahertz: locked,
  mig,
}: Environment['gpus'][number]): string {
  const details = [
    `driver ${driverVersion}`,
    ...(locked === undefined ? [] : [`clocks locked at ${locked} MHz`]),
    ...(mig === true ? ['MIG'] : []),
  ]
  return `${name} (${details.join(', ')})`
}
