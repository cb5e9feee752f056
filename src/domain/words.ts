// Wordings that a verdict's sentences and the reports share. No locale: they read the same on every machine.

const minus = '−'

/** Where a baseline.json comes from. The command line has no mode of this name: there `run` writes one. */
export const baselineMaker = 'the action in mode baseline, or run'

/** Why the committed configuration is the answer, where its headline says as much. */
export const committedIsBest = {
  alone: 'No other configuration was measured.',
  nothingBetter: 'Nothing else that was measured is better.',
} as const

/** `1 comparison`, `2 comparisons`. */
export function countInWords(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `p99 latency and throughput`. */
export function listInWords(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

/** A ratio of change as a signed percentage: 2.38 → `+138 %`, 0.968 → `−3.2 %`. */
export function changeInWords(ratio: number): string {
  return signedPercent(ratio - 1)
}

/** 0.183 → `+18.3 %`. */
export function signedPercent(share: number): string {
  const text = percentDigits(share)
  if (Number(text) === 0) return '±0.0 %'
  return `${share > 0 ? '+' : ''}${withMinus(text)} %`
}

/** From here on a gain is told as a factor: `859 % better` has to be reckoned first. */
const leastFactor = 2

/**
 * How a gain (a ratio less 1, 0.183 = 18.3 % better) compares with something that follows: `18.3 % better than`,
 * `9.6 times as good as`, `2.0 % worse than`. Of a latency `times as good` is as many times shorter.
 */
export function betterThan(gain: number): string {
  return `${betterInWords(gain)} ${asFactor(gain) === null ? 'than' : 'as'}`
}

/** The same where nothing follows: `18.3 % better`, `9.6 times as good`, `2.0 % worse`. */
export function betterInWords(gain: number): string {
  const factor = asFactor(gain)
  if (factor !== null) return `${factor} times as good`
  return `${percentDigits(Math.abs(gain))} % ${gain < 0 ? 'worse' : 'better'}`
}

function asFactor(gain: number): string | null {
  const factor = 1 + gain
  // What would be rounded up to it is one already.
  if (Number(factor.toFixed(3)) < leastFactor) return null
  return factor < 9.95 ? factor.toFixed(1) : factor.toFixed(0)
}

/** The digits of a share in percent: one decimal below 100 %, where it can matter. */
export function percentDigits(share: number): string {
  const percent = share * 100
  return percent.toFixed(Math.abs(percent) < 99.95 ? 1 : 0)
}

/** A number's text with the sign for minus in place of the hyphen. */
export function withMinus(text: string): string {
  return text.replace('-', minus)
}
