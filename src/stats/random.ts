/** Random numbers that are the same for the same seed on every machine. Not for secrets. */
export interface Random {
  /** 0 ≤ x < 1, with 53 random bits. */
  readonly uniform: () => number
  /** 0 ≤ k < bound, an integer. */
  readonly integer: (bound: number) => number
  /** Standard normal. */
  readonly normal: () => number
  /** Exponential with mean 1: the gaps of a Poisson process of rate 1. */
  readonly exponential: () => number
  /** The items in random order (Fisher–Yates); the array given stays as it is. */
  readonly shuffle: <T>(items: readonly T[]) => T[]
}

/** A generator seeded with an integer from 0 to 2^53 − 1. */
export function createRandom(seed: number): Random {
  const next = sfc32(seed)
  const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
  const integer = (bound: number) => Math.floor(uniform() * bound)
  return {
    uniform,
    integer,
    // Box–Muller; 1 − u is never zero, so the logarithm is finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    exponential: () => -Math.log(1 - uniform()),
    shuffle: (items) => {
      const shuffled = [...items]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(last + 1)
        const [a, b] = [shuffled[last], shuffled[other]] as [(typeof items)[number], (typeof items)[number]]
        shuffled[last] = b
        shuffled[other] = a
      }
      return shuffled
    },
  }
}

/**
 * Chris Doty-Humphrey's small fast counting generator, 32 bit (PractRand): passes PractRand and BigCrush,
 * and needs no 64-bit integers. Returns signed or unsigned 32 bits; the callers shift without sign.
 */
function sfc32(seed: number): () => number {
  let a = 0
  let b = seed | 0
  let c = Math.floor(seed / 2 ** 32) | 0
  let counter = 1
  const next = () => {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + result) | 0
    return result
  }
  // PractRand's seeding discards the first 12 to 18 results, until each bit of the seed has spread.
  for (let round = 0; round < 18; round++) next()
  return next
}
