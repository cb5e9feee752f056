/** Row by row, each as long as its place. */
export type Triangle = readonly Float64Array[]

export type Vector = ArrayLike<number>

export function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** The lower triangle L with L·Lᵀ = matrix, row by row. The matrix must be symmetric and positive definite. */
export function cholesky(matrix: readonly Vector[]): Float64Array[] {
  const factor: Float64Array[] = []
  for (const [i, row] of matrix.entries()) {
    const current = new Float64Array(i + 1)
    for (let j = 0; j <= i; j++) {
      const above = j === i ? current : (factor[j] ?? [])
      let sum = row[j] ?? 0
      for (let k = 0; k < j; k++) sum -= (current[k] ?? 0) * (above[k] ?? 0)
      // Rounding can push a pivot of nearly equal samples below 0; the floor keeps the factor finite.
      current[j] = j === i ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (above[j] ?? 1)
    }
    factor.push(current)
  }
  return factor
}

/** Solves L·v = b for a lower triangle L, into `v`, which may be b itself. */
export function forward(factor: readonly Vector[], b: Vector, v: Float64Array): Float64Array {
  for (let i = 0; i < b.length; i++) {
    const row = factor[i] as Vector
    let sum = b[i] ?? 0
    for (let k = 0; k < i; k++) sum -= (row[k] ?? 0) * (v[k] ?? 0)
    v[i] = sum / (row[i] ?? 1)
  }
  return v
}
