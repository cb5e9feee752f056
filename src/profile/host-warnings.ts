import type { Repetition } from '../domain/scenario.ts'
import { percentDigits } from '../domain/words.ts'

type HostRatio = Exclude<
  keyof NonNullable<Repetition['host']>,
  'loadAverage' | 'cpuPressureRatio' | 'ioPressureRatio'
>

/**
 * Limits beyond which a repetition is said to have been disturbed. It still counts: both sides are measured in turns, so
 * that what disturbs hits both, and on a busy runner nothing would be left to judge. The pressure on CPU and disk is
 * recorded only: our own load makes it.
 */
const limits: readonly { readonly ratio: HostRatio; readonly limit: number; readonly words: string }[] = [
  // A tenth of the CPUs is more than an idle system's services take, and can slow a server that needs them all.
  { ratio: 'otherCpuRatio', limit: 0.1, words: 'of the CPU time went to other processes' },
  // One per cent of stolen time can be the whole of what p99 leaves out.
  { ratio: 'stealRatio', limit: 0.01, words: 'of the CPU time was taken by the hypervisor' },
  { ratio: 'throttledRatio', limit: 0.01, words: 'of the time the CPU limit of this container stopped it' },
  // Waiting for memory is swapping or reclaiming: on a machine with enough of it there is none.
  { ratio: 'memoryPressureRatio', limit: 0.01, words: 'of the time a process waited for memory' },
]

/** One sentence for each kind of disturbance, with how many repetitions it met and how bad it was. */
export function hostWarnings(repetitions: readonly Pick<Repetition, 'host'>[]): string[] {
  return limits.flatMap(({ ratio, limit, words }) => {
    const beyond = repetitions.map(({ host }) => host?.[ratio] ?? 0).filter((value) => value > limit)
    if (beyond.length === 0) return []
    const worst = percentDigits(Math.max(...beyond))
    return [
      `busy machine: in ${beyond.length} of ${repetitions.length} repetitions more than ${limit * 100} % ${words} (up to ${worst} %)`,
    ]
  })
}
