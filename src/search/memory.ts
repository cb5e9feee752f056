import { type Configuration, instanceGroupsOf } from '../domain/configuration.ts'
import { fieldsOf, type Members } from './members.ts'
import type { Space } from './space.ts'
import type { SearchPoint } from './state.ts'

/** Allocators need room to find a piece that is large enough, and what is predicted is some per cent off. */
const usableShare = 0.95

/** One instance's memory as measured. */
interface Share {
  readonly batch: number
  readonly bytes: number
}

/**
 * Whether a configuration is predicted to fit the GPUs, beside what others hold there. A server dies of running out of
 * memory at the first large batch, not only while loading, so what does not fit is not tried.
 *
 * Every instance holds its weights and what its largest batch needs: server + instances × (a + b × max_batch_size), from what
 * was measured. Everything fits where nothing was read. Of several models an instance of each is taken to hold as much as one of
 * the others, since only all together is measured.
 */
export function fitsMemory(
  points: readonly SearchPoint[],
  { gpuMemoryBytes, members }: Pick<Space, 'gpuMemoryBytes' | 'members'>,
): (configuration: Configuration) => boolean {
  const measured = points.flatMap(({ configuration, metrics }) => {
    const own = metrics?.gpuMemoryBytes
    return own == null || isOnCpu(configuration) ? [] : [{ configuration, own, metrics }]
  })
  if (gpuMemoryBytes === undefined || measured.length === 0) return () => true
  const [serverBytes = 0] = measured.flatMap(({ metrics }) => metrics?.gpuIdleServerMemoryBytes ?? [])
  const othersBytes = Math.max(
    0,
    ...measured.map(({ own, metrics }) => (metrics?.gpuDeviceMemoryBytes ?? own) - own),
  )
  const shares = measured.map(
    ({ configuration, own }): Share => ({
      batch: largestBatch(configuration, members),
      bytes: Math.max(0, own - serverBytes) / instancesOf(configuration, members),
    }),
  )
  const instanceBytes = lineThrough(shares)
  const roomBytes = usableShare * gpuMemoryBytes - othersBytes - serverBytes
  return (configuration) =>
    isOnCpu(configuration) ||
    instancesOf(configuration, members) * instanceBytes(largestBatch(configuration, members)) <= roomBytes
}

/** Whether a variant has its instances on the CPU where the committed configuration may have them on GPUs. */
function isOnCpu(configuration: Configuration): boolean {
  const groups = instanceGroupsOf(configuration)
  return groups.length > 0 && groups.every(({ kind }) => kind === 'KIND_CPU')
}

/** Of all models that are varied. */
export function instancesOf(configuration: Configuration, members: Members | undefined): number {
  const others = (members?.varied ?? []).map((member) => fieldsOf(member, configuration).instanceCount ?? 0)
  return Math.max(
    1,
    others.reduce((sum, count) => sum + count, configuration.instanceCount ?? 0),
  )
}

function largestBatch(configuration: Configuration, members: Members | undefined): number {
  const others = (members?.varied ?? []).map((member) => fieldsOf(member, configuration).maxBatchSize)
  return Math.max(configuration.maxBatchSize, ...others)
}

/**
 * Least squares, never falling with the batch: a larger one that measured less was measured under less load. Of one size
 * alone nobody knows what a batch takes: half of the memory for a larger one, nothing for a smaller one is the careful guess.
 */
function lineThrough(shares: readonly Share[]): (batch: number) => number {
  const mean = (of: (share: Share) => number) =>
    shares.reduce((sum, share) => sum + of(share), 0) / shares.length
  const [centre, level] = [mean(({ batch }) => batch), mean(({ bytes }) => bytes)]
  const spread = mean(({ batch }) => (batch - centre) ** 2)
  if (spread === 0) return (batch) => level * (1 + Math.max(0, batch / Math.max(1, centre) - 1) / 2)
  const slope = mean(({ batch, bytes }) => (batch - centre) * (bytes - level)) / spread
  return (batch) => level + Math.max(0, slope) * (batch - centre)
}
