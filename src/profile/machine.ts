import { cpuDeltaNs, type HostActivity, hostActivity, readHost } from '../system/host-activity.ts'
import { cpuNsOf } from '../system/process-tree.ts'
import type { StatisticsDelta } from '../triton/statistics.ts'
import type { LiveModel } from './side.ts'

/** What the machine did while load ran, as it goes into one side's sample. */
type MachineSample = (
  side: number,
  statistics: StatisticsDelta,
  batchSize: number,
) => { readonly host?: HostActivity; readonly serverCpuNsPerInference: number | null }

/**
 * Begins to watch the machine and the servers on it; the function it gives ends that, `elapsedNs` later. The two sides
 * share the machine, each has its own processes.
 */
export function watchMachine(models: readonly LiveModel[]): (elapsedNs: number) => MachineSample {
  const pidsOf = () => models.map(({ live }) => live.server.pids())
  const cpuOf = (pids: readonly number[][]) => pids.map(cpuNsOf)
  const pids = pidsOf()
  const host = readHost(pids.flat())
  const before = cpuOf(pids)
  return (elapsedNs) => {
    const pidsAfter = pidsOf()
    const after = cpuOf(pidsAfter)
    const activity = hostActivity(host, readHost(pidsAfter.flat()), elapsedNs)
    return (side, statistics, batchSize) => {
      const own = after[side] ?? new Map<number, number>()
      // A remote server has no process here, and this machine is not the one that matters.
      if (own.size === 0) return { serverCpuNsPerInference: null }
      const cpuNs = cpuDeltaNs(before[side] ?? new Map(), own)
      const { requestCount = 0, failCount = 0 } = statistics.status === 'available' ? statistics.times : {}
      const inferences = (requestCount + failCount) * batchSize
      return { host: activity, serverCpuNsPerInference: inferences === 0 ? null : cpuNs / inferences }
    }
  }
}
