/** For a model that was measured alone. */
export const judgeWithItsBaseline =
  'Judge it with the baseline.json of that run, or measure it beside a reference with gate.screening off.'

/** What voids repetitions or spoils a measurement, by the words it is reported with, and what to do about it. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /gpu_throttled/,
    'Cool the GPU or lock its clocks below what it can hold (gate.lock_gpu_clocks), and run it again.',
  ],
  [/gpu_shared/, 'Keep other processes off the GPU while the gate runs, and run it again.'],
  [/gpu_unreadable/, 'See why nvidia-smi does not answer on this machine, and run it again.'],
  [/other_clients/, 'Keep other clients away from the server while the gate runs, and run it again.'],
  [
    /neighbour_failed/,
    'See in the server log why the requests to that model fail: the others are judged when it answers.',
  ],
  [
    /loads_apart/,
    'Use a machine with a core for each model’s load threads, and longer blocks (gate.block_milliseconds), and run it again.',
  ],
  [
    /client_saturated|was saturated/,
    'Give the load generator a CPU core of its own or ask for less load, and run it again.',
  ],
  [
    /perf_analyzer_unstable/,
    'Give perf_analyzer longer windows (measurement-interval) or more trials (max-trials) under perf_analyzer_flags, or use a quieter machine.',
  ],
  [/client_frozen/, 'Use a machine that is not suspended or paused meanwhile, and run it again.'],
  [
    /requests? (failed|was answered)|failed_requests|no_requests/,
    'See in the server log which requests fail and why; gate.max_failure_ratio says how many may.',
  ],
  [/which no (clock|measurement)/, 'Measure again: these files were changed or made by hand.'],
  [/measured alone/, judgeWithItsBaseline],
  [/was not measured$/, 'Run it again; if it was measured by several shards, merge all of them.'],
]

/** The next step for what is wrong with a measurement, said in `problem`. */
export function remedyFor(problem: string): string {
  return (
    remedies.find(([pattern]) => pattern.test(problem))?.[1] ??
    'Run it again; if it stays so, see the repetitions and the server log in the report.'
  )
}
