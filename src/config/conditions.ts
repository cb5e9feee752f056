import { createHash } from 'node:crypto'
import type { ModelMeasurement } from '../domain/scenario.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import type { Config, TritonSettings } from './config.ts'

type Measuring = Pick<Config, 'gate' | 'triton' | 'settingsFor'>

/** What a measurement of a model keeps of the settings that it was made with. */
export function settingsOf(
  config: Measuring,
  model: string,
): Required<Pick<ModelMeasurement, 'settingsHash' | 'conditions'>> {
  return { settingsHash: settingsHash(config, model), conditions: conditionsOf(config, model) }
}

/**
 * The settings that change what a model's numbers mean, in words by the key that says it, where they say something: numbers
 * that were measured with others are not compared. Not among them are how often and how long it is measured (repetitions, requests, seconds,
 * budgets: more of them tell the same thing better), loads, which tell numbers apart by themselves, input data, whose hash the environment
 * holds by model, and all that a number is judged by.
 */
export function conditionsOf(
  { gate, triton, settingsFor }: Measuring,
  model: string,
): Record<string, string> {
  const { requests, counts, perfAnalyzerFlags } = settingsFor(model)
  const { serialAsked: _, ...sequences } = requests.sequences
  const { warmupRequestCount } = counts
  const all: Readonly<Record<string, string | number | object | null>> = {
    // A shorter one leaves cold requests among those that count, a longer one takes them out.
    'gate.warmup_seconds': warmupRequestCount === null ? gate.warmupNs / nsPerSecond : null,
    'warmup-request-count': warmupRequestCount,
    // The load begins anew with each block.
    'gate.block_milliseconds': gate.blockNs / nsPerMs,
    // What the card really ran at is read of the SM clock alone.
    'gate.lock_gpu_memory_clocks': gate.lockGpuMemoryClocks,
    streaming: requests.streaming ? 'true' : null,
    sequences,
    // Percentile, stability, windows: all that it takes are about what is measured.
    perf_analyzer_flags: gate.engine === 'builtin' ? null : digest(perfAnalyzerFlags),
    triton_server_flags: digest(triton.serverFlags),
    triton_server_environment: digest(triton.serverEnvironment),
    // Labels tell nothing to the server.
    'triton_docker_mounts, triton_docker_shm_size': digest(
      triton.dockerArgs.filter((each) => !each.startsWith('--label=')),
    ),
    'TLS to the server': hasTls(triton) ? 'true' : null,
  }
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) =>
      value === null ? [] : [[key, typeof value === 'object' ? JSON.stringify(value) : String(value)]],
    ),
  )
}

/**
 * Of all settings that a model's numbers depend on, beside its files and what the environment holds. Objectives,
 * constraints, space and budgets of the search are not among them: what was measured is as true under others.
 */
export function settingsHash({ gate, triton, settingsFor }: Measuring, model: string): string {
  const { loads, requests, counts, perfAnalyzerFlags } = settingsFor(model)
  const { repetitions, warmupNs, measurementNs, blockNs, maxFailureRatio, lockGpuMemoryClocks } = gate
  const { serverFlags, serverEnvironment, dockerArgs } = triton
  const all = [
    { loads, requests, counts, perfAnalyzerFlags },
    // Where there are none, the hash stays that of older versions: so with all that is left out.
    {
      ...{ repetitions, warmupNs, measurementNs, blockNs, maxFailureRatio },
      ...(lockGpuMemoryClocks === null ? {} : { lockGpuMemoryClocks }),
    },
    { serverFlags, serverEnvironment, ...(dockerArgs.length === 0 ? {} : { dockerArgs }) },
  ]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

/** Values may be secrets, and these stand in reports: a hash tells them apart. null where there are none. */
function digest(values: object): string | null {
  const entries = Array.isArray(values)
    ? values
    : Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return null
  return `sha256:${createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 12)}`
}

function hasTls({ mode, url, endpointSettings }: TritonSettings): boolean {
  return (
    (mode === 'remote' || url !== null) && (endpointSettings.useSsl || url?.startsWith('grpcs://') === true)
  )
}
