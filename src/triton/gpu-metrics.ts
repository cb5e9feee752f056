import { nsPerMs, nsPerSecond } from '../domain/world.ts'

/** What a server's GPUs hold by its own metrics: whole devices, all processes on them. */
export type TritonGpuMemory =
  | {
      readonly status: 'available' /** By UUID, in bytes. */
      readonly usedBytes: ReadonlyMap<string, number>
    }
  | { readonly status: 'unavailable'; readonly reason: string }

const timeoutNs = nsPerSecond

/**
 * Reads `nv_gpu_memory_used_bytes` of a server's metrics (docs/user_guide/metrics.md of Triton). The value is up to one
 * `--metrics-interval-ms` old, 2 s by default. Never throws: a server without these metrics says nothing, not zero.
 */
export async function readGpuMemory(metricsUrl: string | null): Promise<TritonGpuMemory> {
  if (metricsUrl === null) return unavailable("Triton's metrics are switched off")
  try {
    const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(timeoutNs / nsPerMs) })
    const text = await response.text()
    if (!response.ok) return unavailable(`Triton's metrics at ${metricsUrl} answer ${response.status}`)
    const usedBytes = parseGpuMemory(text)
    return usedBytes.size > 0
      ? { status: 'available', usedBytes }
      : unavailable(`Triton's metrics at ${metricsUrl} name no GPU`)
  } catch {
    return unavailable(`Triton's metrics at ${metricsUrl} do not answer`)
  }
}

/** By UUID, in bytes; what is no number is left out. */
export function parseGpuMemory(text: string): Map<string, number> {
  const used = new Map<string, number>()
  for (const [, labels = '', value = ''] of text.matchAll(/^nv_gpu_memory_used_bytes\{([^}\n]*)\} (\S+)/gm)) {
    const [, uuid] = /(?:^|,)gpu_uuid="([^"]+)"/.exec(labels) ?? []
    const bytes = Number(value)
    if (uuid !== undefined && Number.isFinite(bytes) && bytes >= 0) used.set(uuid, bytes)
  }
  return used
}

const unavailable = (reason: string) => ({ status: 'unavailable', reason }) as const
