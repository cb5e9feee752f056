import { type ComposingModel, partPerRequestNs, serverParts, timePerRequestNs } from '../domain/composing.ts'
import type { Configuration, VariedFields } from '../domain/configuration.ts'
import { batchSizeOf, inferencesOf, type Load } from '../domain/load.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { type Execution, executionTime } from './executions.ts'
import { fieldsOf, type Member, type Members } from './members.ts'
import { closedFlow, type Flow, type Network, openFlow, type Station } from './queueing.ts'
import { type Place, placeKey, type SearchPoint } from './state.ts'

/** A place, and how often each of its models is busy and waited for there. */
interface Seen extends Place {
  readonly rows: readonly ComposingModel[]
  readonly requestsPerSecond: number
  /** Instances of all members that are at work at a time. */
  readonly busy: number
  readonly latencyNs: number
  /** Busy instances of the gated model, and time of its own executions; null of an ensemble. */
  readonly own: { readonly executionNs: number; readonly batch: number } | null
}

/** Tells what a load would bring in a configuration that was not measured. */
export type Foresight = (place: Place) => Flow

const computeParts = serverParts.filter((part) => part !== 'serverQueueNs')

/**
 * The composing models as a queueing network, from their ModelStatistics: execution times by batch and busy instances,
 * fitted to all that was measured. `base` is what it starts from; where it was wrong at near places it is corrected by that. Null where
 * nothing can be said, since the server did not tell.
 */
export function foresee(members: Members, points: readonly SearchPoint[], base: Place): Foresight | null {
  const seen = points.flatMap((point) => seenAt(point) ?? [])
  const at = seen.find((one) => placeKey(one) === placeKey(base))
  const known = members.varied.flatMap((member) => {
    const row = at?.rows.find(({ model }) => model === member.name)
    return row === undefined || at === undefined || executionOf(member, at) === null ? [] : [{ member, row }]
  })
  if (at === undefined || known.length === 0) return null
  const times = known.map(({ member }) =>
    executionTime(seen.flatMap((one) => executionOf(member, one) ?? [])),
  )
  const network = (configuration: Configuration, load: Load): Network => ({
    stations: known.map(({ member, row }, i) =>
      stationOf(fieldsOf(member, configuration), row, batchSizeOf(load), times[i] ?? (() => nsPerMs)),
    ),
    elsewhereNs: elsewhereNs(
      at,
      known.map(({ row }) => row),
    ),
    window: at.own === null ? null : (configuration.instanceCount ?? 1),
  })
  const raw = (place: Place): Flow => flowOf(network(place.configuration, place.load), place.load)
  const there = raw(at)
  const latency = at.latencyNs / there.latencyNs
  // What was measured may be beyond what the times allow by its noise, but not what is foretold.
  const slack = Math.max(1, at.requestsPerSecond / there.mostPerSecond)
  const bounded = (flow: Flow): number =>
    Math.min(
      (flow.requestsPerSecond * at.requestsPerSecond) / there.requestsPerSecond,
      flow.mostPerSecond * slack,
    )
  const misses = seen.map((one) => ({
    at: octaves(members, one),
    log: Math.log(one.requestsPerSecond / bounded(raw(one))),
  }))
  return (place) => {
    const flow = raw(place)
    const requestsPerSecond = bounded(flow) * Math.exp(missAt(octaves(members, place), misses))
    const isClosed = place.load.mode === 'concurrency'
    return {
      ...flow,
      requestsPerSecond,
      latencyNs: isClosed
        ? (at.latencyNs * at.requestsPerSecond * outstanding(place)) / (requestsPerSecond * outstanding(at))
        : flow.latencyNs * latency,
    }
  }
}

interface Miss {
  readonly at: readonly number[]
  readonly log: number
}

/** What the network itself says weighs as much as this share of a measurement at the very place. */
const doubt = 0.2

/** By what the network is likely to be wrong at a place: as it was at places within an octave or two. */
function missAt(place: readonly number[], misses: readonly Miss[]): number {
  let [sum, weights] = [0, doubt]
  for (const { at, log } of misses) {
    let squared = 0
    for (let i = 0; i < place.length; i++) squared += ((place[i] ?? 0) - (at[i] ?? 0)) ** 2
    const weight = Math.exp(-squared / 2)
    sum += weight * log
    weights += weight
  }
  return sum / weights
}

/** A place in octaves; one of the batch or of the load says half as much as one of the instances. */
function octaves({ varied }: Members, { configuration, load }: Place): number[] {
  const of = ({ instanceCount, dynamicBatching, maxBatchSize }: VariedFields) => [
    Math.log2(instanceCount ?? 1),
    dynamicBatching ? Math.log2(Math.max(1, maxBatchSize)) / 2 : 0,
  ]
  const others = varied.flatMap((member) => of(fieldsOf(member, configuration)))
  return [...of(configuration), ...others, Math.log2(inferencesOf(load)) / 2]
}

/** Of a closed loop; Little's law ties them to rate and latency. */
function outstanding({ load }: Place): number {
  return load.mode === 'concurrency' ? load.concurrency : 1
}

function flowOf(network: Network, load: Load): Flow {
  return load.mode === 'concurrency'
    ? closedFlow(network, load.concurrency)
    : openFlow(network, load.requestRate)
}

function seenAt({ configuration, load, metrics, composing }: SearchPoint): Seen | null {
  const inferPerSec = metrics?.inferPerSec
  const latencyNs = metrics?.latencyAvgNs ?? metrics?.latencyP50Ns ?? metrics?.latencyP99Ns
  if (composing === undefined || inferPerSec == null || inferPerSec <= 0 || latencyNs == null) return null
  const requestsPerSecond = inferPerSec / batchSizeOf(load)
  const ownNs = computeParts.reduce((sum, part) => sum + (metrics?.[part] ?? 0), 0)
  const busy = composing.reduce((sum, row) => sum + busyInstances(row, requestsPerSecond, load), 0)
  const own =
    configuration.instanceCount === null || ownNs === 0
      ? null
      : { executionNs: ownNs, batch: Math.max(1, (metrics?.executedBatchSize ?? 1) / batchSizeOf(load)) }
  return { configuration, load, rows: composing, requestsPerSecond, busy, latencyNs, own }
}

/** Little's law: executions per second times their time. */
function busyInstances(row: ComposingModel, requestsPerSecond: number, load: Load): number {
  const ns = computeParts.reduce((sum, part) => sum + (partPerRequestNs(row, part) ?? 0), 0)
  return (requestsPerSecond * ns) / nsPerSecond / requestsPerExecution(row, load)
}

function requestsPerExecution({ executedBatchSize }: ComposingModel, load: Load): number {
  return Math.max(1, (executedBatchSize ?? 1) / batchSizeOf(load))
}

function executionOf(member: Member, { rows, load, busy }: Seen): Execution | null {
  const row = rows.find(({ model }) => model === member.name)
  if (row === undefined) return null
  const ns = computeParts.reduce((sum, part) => sum + (row[part] ?? 0), 0)
  return ns === 0 ? null : { requests: requestsPerExecution(row, load), busy: Math.max(1, busy), ns }
}

function stationOf(
  fields: VariedFields,
  row: ComposingModel,
  clientBatch: number,
  executionNs: Station['executionNs'],
): Station {
  const { instanceCount, maxBatchSize, dynamicBatching, maxQueueDelayMicroseconds = 0 } = fields
  return {
    instances: instanceCount ?? 1,
    largestBatch: dynamicBatching ? Math.max(1, Math.floor(maxBatchSize / clientBatch)) : 1,
    visits: Math.max(1e-3, row.requestsPerRequest ?? 1),
    executionNs,
    delayNs: dynamicBatching ? maxQueueDelayMicroseconds * 1000 : 0,
  }
}

/** What no station explains of a request's time, models that are not varied included; a hundredth of it at least. */
function elsewhereNs(at: Seen, rows: readonly ComposingModel[]): number {
  const inside = rows.reduce((sum, row) => sum + (timePerRequestNs(row) ?? 0), 0)
  const whole = at.own === null ? at.latencyNs : at.own.executionNs / at.own.batch
  return Math.max(whole - inside, 0.01 * whole)
}
