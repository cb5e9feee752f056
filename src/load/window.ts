/** All latencies of some windows in one ascending array. */
export function mergeLatencies(windows: readonly { readonly latenciesNs: Float64Array }[]): Float64Array {
  const merged = new Float64Array(windows.reduce((sum, window) => sum + window.latenciesNs.length, 0))
  let offset = 0
  for (const { latenciesNs } of windows) {
    merged.set(latenciesNs, offset)
    offset += latenciesNs.length
  }
  return merged.sort()
}
