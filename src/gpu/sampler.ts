import { type LaunchedProcess, nsPerSecond, type World } from '../domain/world.ts'
import { type GpuSelection, processQuery, queryGpus, queryProcesses } from './nvidia-smi.ts'
import {
  createReadings,
  type DeviceMemory,
  deviceMemoryOf,
  type GpuMemory,
  type IdleServer,
  memorySources,
  type ReadingsView,
  total,
} from './readings.ts'

/** GPU readings while load runs, and those around the start of a server. */
export interface GpuSampler extends ReadingsView {
  /** Whether nvidia-smi shows now what each of these processes that use a GPU holds. */
  readonly showsMemoryOf: (pids: readonly number[]) => Promise<boolean>
  /** By UUID, what each GPU holds now; without those that do not say. */
  readonly memoryNow: () => Promise<ReadonlyMap<string, DeviceMemory>>
  /** Begins to watch what the devices hold. To be called before a server starts. */
  readonly watchServer: () => Promise<ServerWatch>
  readonly stop: () => void
}

export interface ServerWatch {
  /** What the server took before it loaded a model: CUDA contexts, memory pools. */
  readonly idle: (pids: readonly number[]) => Promise<IdleServer>
  /** What the devices have gained since. */
  readonly growth: () => Promise<GpuMemory>
}

/** The driver itself averages utilisation over about this time. */
const defaultIntervalMs = 200

/**
 * Reads the idle state, then has nvidia-smi print it again and again; null where there is no GPU to be read. To be
 * called while no server of ours runs.
 */
export async function startGpuSampler(
  world: World,
  only: GpuSelection,
  intervalMs: number = defaultIntervalMs,
): Promise<GpuSampler | null> {
  const idle = await queryGpus(world, only)
  if (idle.status === 'unavailable') return null
  const neighbours = new Set((await queryProcesses(world, only)).map(({ pid }) => pid))
  const readings = createReadings(idle.gpus, neighbours)
  const loops = [
    keepReading(world, [...idle.query, '-lms', `${intervalMs}`], readings.addGpuLine, readings.addFailure),
    keepReading(
      world,
      [...processQuery(only), '-lms', `${intervalMs}`],
      readings.addProcessLine,
      readings.addFailure,
    ),
  ]
  const [gpuLoop] = loops
  const checkSilence = () => {
    const silentNs = gpuLoop?.silentNs() ?? 0
    if (silentNs <= maxSilenceNs) return
    readings.addFailure(`nvidia-smi said nothing for ${Math.round(silentNs / nsPerSecond)} s`)
    for (const loop of loops) loop.replace()
  }
  const held = async () => {
    const now = await queryGpus(world, only)
    return now.status === 'unavailable' ? null : total(now.gpus.map((gpu) => gpu.memoryUsedBytes))
  }
  const ownProcesses = async (pids: readonly number[]) =>
    (await queryProcesses(world, only)).filter(({ pid }) => pids.includes(pid))
  return {
    ...readings.view,
    disturbances: (ownPids) => {
      checkSilence()
      return readings.view.disturbances(ownPids)
    },
    showsMemoryOf: async (pids) => {
      const own = await ownProcesses(pids)
      return own.length > 0 && own.every(({ memoryBytes }) => memoryBytes !== null)
    },
    memoryNow: async () => {
      const now = await queryGpus(world, only)
      const gpus = now.status === 'unavailable' ? [] : now.gpus
      return new Map(
        gpus.flatMap((gpu) => {
          const memory = deviceMemoryOf(gpu)
          return memory === null ? [] : [[gpu.uuid, memory]]
        }),
      )
    },
    watchServer: async () => {
      const before = await held()
      const gained = async () => {
        const now = await held()
        return before === null || now === null ? null : Math.max(0, now - before)
      }
      return {
        idle: async (pids) => {
          const [own, gainedBytes] = await Promise.all([ownProcesses(pids), gained()])
          return { ownBytes: total(own.map(({ memoryBytes }) => memoryBytes)), gainedBytes }
        },
        growth: async () => {
          const bytes = await gained()
          return { bytes, source: bytes === null ? memorySources.unread : memorySources.growth }
        },
      }
    },
    stop: () => {
      for (const loop of loops) loop.stop()
    },
  }
}

/**
 * The same GPUs beside servers of ours that are alive and asked for nothing: what the devices hold is not one server's then, but
 * for what its processes are shown with; and those servers are no other tenants. They take no part of utilisation and power.
 */
export function besideServers(gpu: GpuSampler, pids: () => readonly number[]): GpuSampler {
  return {
    ...gpu,
    memoryOf: (own) => gpu.memoryOf(own, false),
    deviceMemory: (ownBytes) => gpu.deviceMemory(ownBytes, false),
    disturbances: (own) => gpu.disturbances([...new Set([...own, ...pids()])]),
  }
}

/** Many times the interval: a busy machine may hold a line back, a driver that hangs says nothing at all. */
const maxSilenceNs = 5 * nsPerSecond
/** A pause, so that a nvidia-smi that ends at once is not started thousands of times. */
const restartPauseNs = nsPerSecond

/**
 * Keeps one nvidia-smi printing: one that ends is a failure and is started again, one that hangs may be replaced. What
 * it says when it ends, and that it did, voids the repetition it happened in; the next one has a new reader.
 */
function keepReading(
  world: World,
  query: readonly string[],
  onLine: (line: string) => void,
  onFailure: (said: string) => void,
) {
  let stopped = false
  let lastNs = world.nowNs()
  const begin = () => {
    lastNs = world.nowNs()
    const reader = world.launch('nvidia-smi', query, {
      env: {},
      onLine: (line) => {
        if (reader !== current) return
        lastNs = world.nowNs()
        onLine(line)
      },
    })
    const isOver = () => stopped || reader !== current || world.signal.aborted
    void reader.exited.then(async (exitCode) => {
      if (isOver()) return
      onFailure(`nvidia-smi ended (${exitCode === null ? 'killed' : `exit code ${exitCode}`})`)
      await world.sleep(restartPauseNs)
      if (!isOver()) current = begin()
    })
    return reader
  }
  let current: LaunchedProcess = begin()
  return {
    silentNs: () => world.nowNs() - lastNs,
    replace: () => {
      void current.stop(nsPerSecond)
      current = begin()
    },
    stop: () => {
      stopped = true
      void current.stop(nsPerSecond)
    },
  }
}
