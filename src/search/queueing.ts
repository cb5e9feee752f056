/** A composing model as a station that every request passes, from what was measured of it. */
export interface Station {
  readonly instances: number
  /** Requests that one execution takes at most: 1 without the dynamic batcher. */
  readonly largestBatch: number
  /** How often each request of the gated model comes here. */
  readonly visits: number
  /** Time of one execution of that many requests, while so many instances of all stations are busy. */
  readonly executionNs: (requests: number, busy: number) => number
  /** How long a request waits for company that does not come. */
  readonly delayNs: number
}

export interface Network {
  readonly stations: readonly Station[]
  /** Of each request, where it waits for nobody: network, and code that calls the stations. */
  readonly elsewhereNs: number
  /** Requests that can be among the stations at once, where code calls them: one for each of its instances. */
  readonly window: number | null
}

/** How a network answers a load. */
export interface Flow {
  readonly requestsPerSecond: number
  /** Mean over requests. */
  readonly latencyNs: number
  /** What the narrowest station could do with batches like these. */
  readonly mostPerSecond: number
  /** How much more each station could do, in doublings and one at most, all together. */
  readonly headroom: number
}

/** As many as a fixed point takes that goes to and fro; most settle in ten. */
const rounds = 40
/** Well within what such a network can foretell. */
const settled = 2e-3

/**
 * A closed loop of `outstanding` requests through the network: approximate mean value analysis (Schweitzer 1979) with executions that
 * take about as long each time. A batch is what waits, shared out over the instances.
 */
export function closedFlow({ stations, elsewhereNs, window }: Network, outstanding: number): Flow {
  const inside = Math.min(outstanding, window ?? outstanding)
  const present = stations.map(() => inside / stations.length)
  const served = stations.map(() => 0)
  let busy = 1
  let perNs = 0
  let most = 0
  let headroom = 0
  for (let round = 0; round < rounds; round++) {
    const seen = stations.map((station, i) =>
      visit(station, { present: present[i] ?? 0, served: served[i] ?? 0, inside, busy }),
    )
    const totalNs = elsewhereNs + seen.reduce((sum, { visits, residenceNs }) => sum + visits * residenceNs, 0)
    most = Math.min(...seen.map(({ visits, capacityPerNs }) => capacityPerNs / visits))
    const before = perNs
    perNs = Math.min(inside / totalNs, most)
    const room = seen.map(({ visits, capacityPerNs }) =>
      Math.min(1, Math.log2(capacityPerNs / visits / perNs)),
    )
    headroom = room.reduce((sum, doublings) => sum + doublings, 0)
    let nowBusy = 0
    for (const [i, { visits, residenceNs, executionNs, batch }] of seen.entries()) {
      const arriving = perNs * visits
      // Half way, since a batch that grows makes itself shorter.
      present[i] = ((present[i] ?? 0) + Math.min(inside, arriving * residenceNs)) / 2
      served[i] = arriving * executionNs
      nowBusy += (arriving * executionNs) / batch
    }
    const wasBusy = busy
    busy = Math.max(1, (busy + nowBusy) / 2)
    if (Math.abs(perNs - before) < settled * perNs && Math.abs(busy - wasBusy) < settled * busy) break
  }
  return {
    requestsPerSecond: perNs * 1e9,
    latencyNs: outstanding / perNs,
    mostPerSecond: most * 1e9,
    headroom,
  }
}

interface Crowd {
  /** Requests at the station, and those of them that are being executed. */
  readonly present: number
  readonly served: number
  readonly inside: number
  readonly busy: number
}

function visit(station: Station, { present, served, inside, busy }: Crowd) {
  const { instances, largestBatch, visits, delayNs } = station
  const batch = Math.min(largestBatch, Math.max(1, present / instances))
  const executionNs = station.executionNs(batch, busy)
  const places = instances * batch
  const others = inside <= 1 ? 0 : (inside - 1) / inside
  const usage = Math.min(1, served / places)
  // Who comes waits for those who wait; and where all are busy, half an execution until the first is free.
  const ahead = others * (present - Math.min(present, served) * (1 - usage ** (instances - 1) / 2))
  const waitNs = largestBatch > 1 ? delayNs * (1 - batch / largestBatch) : 0
  return {
    visits,
    batch,
    executionNs,
    residenceNs: executionNs * (1 + Math.max(0, ahead) / places) + waitNs,
    capacityPerNs: places / executionNs,
  }
}

/** As many as no closed loop of a sweep exceeds: what this many do not bring is not to be had. */
const many = 1024

/** An open loop: the closed one that answers so many requests per second; the heaviest where none does. */
export function openFlow(network: Network, requestsPerSecond: number): Flow {
  const most = closedFlow(network, many)
  if (most.requestsPerSecond <= requestsPerSecond) return most
  let [low, high] = [0, many]
  while (high - low > 0.05 * high) {
    const middle = (low + high) / 2
    if (closedFlow(network, middle).requestsPerSecond < requestsPerSecond) low = middle
    else high = middle
  }
  return { ...most, requestsPerSecond, latencyNs: (high / requestsPerSecond) * 1e9 }
}
