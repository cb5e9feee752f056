// Geometry shared by the charts: numbers to pixels, round ticks, labels that do not cover each other.

export interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

/** Ticks at multiples of 1, 2 or 5 × 10^k, about `count` of them, covering `min` to `max`. */
export function niceTicks(min: number, max: number, count: number): readonly number[] {
  const span = max > min ? max - min : Math.abs(max) || 1
  const rough = span / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const first = Math.floor(min / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil(max / step - 1e-9))
  // Multiples of the step, not sums of it, so that no error adds up; rounded so that 0.30000000000000004 is 0.3.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  )
}

/** A linear scale over round ticks that cover `min` to `max`. */
export function linearScale(
  [min, max]: readonly [number, number],
  [from, to]: readonly [number, number],
  count: number,
): Scale {
  const ticks = niceTicks(min, max, count)
  const low = ticks[0] ?? min
  const high = ticks.at(-1) ?? max
  return { ticks, at: (value) => from + ((value - low) / (high - low)) * (to - from) }
}

/** A logarithmic scale with ticks at 1, 2 and 5 × 10^k. For values that span more than a linear one can show. */
export function logScale(
  [min, max]: readonly [number, number],
  [from, to]: readonly [number, number],
): Scale {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(max)) - Math.floor(Math.log10(min)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(min)) + index),
  )
  const all = decades.flatMap((decade) =>
    [1, 2, 5].map((factor) => Number((factor * decade).toPrecision(12))),
  )
  const low = all.findLast((tick) => tick <= min) ?? min
  const high = all.find((tick) => tick >= max && tick > low) ?? max
  const ticks = all.filter((tick) => tick >= low && tick <= high)
  const span = Math.log(high / low)
  return { ticks, at: (value) => from + (Math.log(value / low) / span) * (to - from) }
}

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/** The first candidate that lies within `area` and touches none of `taken`; null where there is none. */
export function firstFree(candidates: readonly Box[], taken: readonly Box[], area: Box): Box | null {
  const inside = (box: Box) =>
    box.x >= area.x &&
    box.y >= area.y &&
    box.x + box.width <= area.x + area.width &&
    box.y + box.height <= area.y + area.height
  return candidates.find((box) => inside(box) && !taken.some((other) => overlaps(box, other))) ?? null
}
