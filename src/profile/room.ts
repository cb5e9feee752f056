import type { SearchSettings } from '../config/config.ts'
import type { Configuration } from '../domain/configuration.ts'
import type { Measurements } from '../domain/measurements.ts'
import type { MetricName } from '../domain/metric.ts'
import { gatedScenarios } from '../domain/scenario.ts'
import { type DeviceMemory, memorySources } from '../gpu/readings.ts'
import type { ProfileContext } from './context.ts'

/** Allocators take more than what a reading shows, and a full machine disturbs every side of it. */
const usableShare = 0.9

/**
 * How many servers of the measured models the memory of GPUs and host holds beside each other, by the most that one of them
 * took; infinite where that is not known.
 */
export function serversThatFit(measured: Measurements): number {
  const { environment } = measured
  const gpuBytes = environment.gpus.reduce((sum, { memoryTotalBytes }) => sum + memoryTotalBytes, 0)
  return Math.min(
    holds(gpuBytes, mostOf(measured, 'gpuMemoryBytes')),
    holds(environment.host.memoryTotalBytes, mostOf(measured, 'serverMemoryBytes')),
  )
}

function mostOf({ models, reference }: Measurements, metric: MetricName): number {
  const scenarios = [...models, ...(reference?.models ?? [])].flatMap((model) => model.scenarios)
  return Math.max(0, ...scenarios.map(({ metrics }) => metrics[metric]?.value ?? 0))
}

function holds(bytes: number, each: number): number {
  return each === 0 ? Number.POSITIVE_INFINITY : Math.floor((usableShare * bytes) / each)
}

/** Memory of this machine, in bytes, and whether a driver has made a GPU visible. */
interface HostRoom {
  readonly hasGpuDevice: boolean
  /** Whether one of the servers is alive already, and what is free is free beside it. */
  readonly isOneRunning: boolean
  /** Of the fullest of the GPUs that are read; infinite where none is. */
  readonly gpuFreeBytes: number
  readonly freeBytes: number
  readonly shared: SharedRoom
}

/** Of memory that processes share; read while a server was alive, since nothing else tells what one takes of it. */
export interface SharedRoom {
  readonly usedBytes: number
  readonly freeBytes: number
}

/** Of several readings that with the most in use: others were made when the servers had ended. */
export function fullest([first, ...others]: readonly [SharedRoom, ...SharedRoom[]]): SharedRoom {
  return others.reduce((most, each) => (each.usedBytes > most.usedBytes ? each : most), first)
}

/** Of the fullest GPU, since a model may be on any one of them; 0 where nothing was read. */
export function gpuRoom(held: ReadonlyMap<string, DeviceMemory>): number {
  const free = [...held.values()].map(({ usedBytes, totalBytes }) => totalBytes - usedBytes)
  return free.length === 0 ? 0 : Math.max(0, Math.min(...free))
}

/** So many configurations are gone back to within the default twenty measurements; and all servers have to be stopped. */
const mostSweepServers = 8

/** Larger batches of as many instances may hold twice as much. */
const leastGrowth = 2

/** How much more a server may hold with a configuration of the sweep than with the committed one: each instance has its own. */
export function growthOf(
  { mode, instanceCounts, instanceCount }: Pick<SearchSettings, 'mode' | 'instanceCounts' | 'instanceCount'>,
  committed: Pick<Configuration, 'instanceCount'>,
): number {
  const searched = mode === 'manual' ? [] : [instanceCount.max]
  const most = Math.max(1, ...(instanceCounts ?? searched))
  return Math.max(leastGrowth, most / (committed.instanceCount ?? 1))
}

/**
 * How many servers a sweep may have beside each other, so that a configuration that is measured again need not be loaded again: one in
 * containers, which take about as long to start as that would save, and one on a GPU of which it is not known what a server's own
 * processes hold: then memory is read with one alive. Two, one of them for the committed configuration, where a model needs others: of
 * these only what differs is loaded over what is there.
 *
 * @param growth what one of them may hold of what was measured at the gated loads
 * @param host what is free of its memory now: others use the machine too; and of that which processes share was with one running, where
 * all that is used is taken to be that server's
 */
export function sweepServers(
  { gpu, launcher }: Pick<ProfileContext, 'gpu' | 'launcher'>,
  gated: Measurements,
  needsOthers: boolean,
  growth: number,
  host: HostRoom,
): number {
  const isOurs = launcher.mode === 'embedded' || launcher.mode === 'local'
  // A server of the user's own may be on a GPU of which nothing can be read.
  const isRead = gpu === null ? launcher.mode === 'embedded' || !host.hasGpuDevice : showsProcesses(gated)
  if (!isOurs || !isRead) return 1
  const inAll = Math.floor(serversThatFit(gated) / growth)
  const free = Math.min(
    holds(host.freeBytes, growth * mostOf(gated, 'serverMemoryBytes')),
    holds(host.gpuFreeBytes, growth * mostOf(gated, 'gpuMemoryBytes')),
  )
  const sharing = 1 + holds(host.shared.freeBytes, growth * host.shared.usedBytes)
  const most = needsOthers ? 2 : mostSweepServers
  return Math.max(1, Math.min(most, inAll, Number(host.isOneRunning) + free, sharing))
}

/** Whether the GPU memory of each gated load is that of the server's own processes. */
function showsProcesses({ models }: Measurements): boolean {
  const read = models.flatMap((model) =>
    gatedScenarios(model).map(({ metrics }) => metrics.gpuMemoryBytes?.reason),
  )
  return read.length > 0 && read.every((reason) => reason === memorySources.processes)
}
