/** One load thread's part of a load: the `index`-th of `of` threads. */
export interface Share {
  readonly index: number
  readonly of: number
}

/** Its part of a whole number: all get the floor, the first ones one more. */
export function partOf(total: number, { index, of }: Share): number {
  return Math.floor(total / of) + (index < total % of ? 1 : 0)
}

/** Every `of`-th value from the `index`-th on, so that the threads together deal one sequence round robin. */
export function dealt<T>(next: () => T, { index, of }: Share): () => T {
  let skip = index
  return () => {
    for (; skip > 0; skip--) next()
    skip = of - 1
    return next()
  }
}
