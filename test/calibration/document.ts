import { familyAlpha, passConfidence, power } from '../../src/compare/judge.ts'
import { minHistoryPoints } from '../../src/compare/series.ts'
import { againstBaseline } from './baseline-table.ts'
import type { Part } from './code-key.ts'
import { headToHead } from './head-to-head.ts'
import type { RealDecision } from './real.ts'
import { slowerTable, throughputBesideLatency, unchangedTable } from './real-tables.ts'
import {
  coverage,
  detectableChange,
  falseAlarms,
  powerCurve,
  tightTolerance,
  twiceTolerance,
} from './reference-tables.ts'
import type { ResultsFile } from './results.ts'

/** docs/statistics.md, from what is kept and, where that is missing, from simulations. */
export function statisticsDocument(
  { reference, baseline }: Readonly<Record<Part, ResultsFile>>,
  real: readonly RealDecision[],
  reports: number,
): string {
  const [few, traces, cases] = [Math.min(reports, 2000), Math.min(reports, 1000), 2000]
  const tables = {
    falseAlarms: falseAlarms(reference, reports),
    powerCurve: powerCurve(reference, few),
    twice: twiceTolerance(reference, few),
    tight: tightTolerance(reference, few),
    detectable: detectableChange(reference, few),
    coverage: coverage(reference, cases),
    baseline: againstBaseline(baseline, few),
    headToHead: headToHead(reference, traces),
  }
  const [date] = [reference.date(), baseline.date()].sort().reverse()
  const machines = [...new Set([reference.machine, baseline.machine])].join('; ')
  const points = ((300 * Math.sqrt(0.0099 * reports)) / reports).toFixed(1)
  return `# How well the decision rule keeps its promises

Written by \`npm run calibrate\`. Simulated until ${date} on ${machines},
from fixed seeds: ${reports} reports for each line on false alarms, ${few} for each other line, judged by the code in \`src/compare/\`. A share near 1 % of ${reports} reports is known to about
±${points} points.

What is promised: without a regression a whole report fails in ${familyAlpha * 100} % of the runs at most; a change of exactly the tolerance
passes in ${((1 - passConfidence) * 100).toFixed(0)} % of the runs at most; the "smallest change that could have been seen" is found in ${power * 100} % of the runs.

Each repetition of each side has noise of its own; a pair's log ratio spreads by the standard deviation named. The measurement of a
model ends after 4 or 8 repetitions where all of it is decided, else after 14. It shows that the rule does what it says if repetitions
are what they are here; whether they are on a given machine only an A/A run there can show.

## Against a reference: false alarms

Reports of 15 models with two comparisons each, at a spread of 3 %. \`log-normal\` is skewed, \`bimodal-node\` has 15 % slow server
starts, \`AR(1)\` drifts from measurement to measurement (ρ = 0.7), \`heavy-tailed\` is Student's t with 3 degrees of freedom. A report
fails falsely if a comparison fails that is worse by no more than its tolerance (5 % for p99, 3 % for throughput).

${tables.falseAlarms}

A report passes only if each of its 30 comparisons does.

The same intervals where every pair is measured, at a spread of 5 % (${cases} for each number). Student's t is exact for normal noise and wider
than it need be for skewed and heavy-tailed noise, the more so the fewer pairs there are; ending early where all is decided adds a little.

${tables.coverage}

## Against a reference: what a changed model gets

Reports of one model with two comparisons, normal noise. \`tail only\` changes p99 and leaves the throughput, \`whole distribution\`
changes both. Pass, inconclusive and fail count the comparisons that truly are beyond their tolerance. \`pass ↔ fail on a re-run\` is the
probability that of two reports of the same thing one passes and the other one fails.

${tables.powerCurve}

${tables.tight}

The smallest change that inconclusive comparisons say they would have seen, as a median, beside the change that really is found in
${power * 100} % of the runs:

${tables.detectable}

Twice the tolerance, of one metric alone, is found in:

${tables.twice}

What counts is how far a change is beyond its tolerance: on the log scale twice the tolerance of p99 is 4.7 % beyond it, that of throughput
3.1 %. So at the same spread the latter is found less often; nine times in ten at a spread up to a little above 3 %.
${throughputBesideLatency(real)}

## Against a stored baseline

Each run as a whole varies by 5 %, its repetitions hardly: the case a stored baseline suffers from. Reports of 15 models for the false
alarms, of two for the change. With fewer than ${minHistoryPoints} earlier runs the spread is assumed.

${tables.baseline}

A failure against a stored baseline asks to be confirmed with \`--reference\`: the gate does not take it back by itself, since there it
has nothing better to judge by. The test takes the tails of Student's t with 3 degrees of freedom, which holds false alarms to about 1 %
under noise that is not normal; the price is that only large changes are found.

## Beside other gates

The same simulated requests judged by what other gates decide with, each rebuilt from its documented rule: github-action-benchmark's ratio
to the last commit (default 200 %), Bencher's t-test on the 30 runs before (upper boundary 0.99), Mann–Whitney's U over all requests of
both sides of this job (1 %). 14 repetitions of 500 requests on each side; from hour to hour the machine's speed varies by 10 %, from
minute to minute by 5 %, which both sides of one job share; server starts differ by 1, 2, 4 or 8 %, by the machine. Every request is
slower by so much, or the slowest 5 % are (\`tail\`). ${traces} pull requests. With the documented thresholds:

${tables.headToHead.documented}

A gate must keep its false alarms low on every machine, also on the noisiest of these. With thresholds (found from unchanged pull requests,
which no user has that many of) with which each of the others fails 1 % there; this gate as it is:

${tables.headToHead.noisiest}

With thresholds with which each of the others fails 1 % over all machines together:

${tables.headToHead.together}

Mann–Whitney as documented fails a good part of what did not change, since requests of one server start are not independent. Once it is
told how noisy the machines are, its one threshold is that of the noisiest: on the quieter ones it misses small changes that this gate
finds, since it takes the noise from the repetitions at hand; changes of the whole distribution just above that threshold it finds more
often. A slower tail it cannot see with any threshold. A stored number sees no change that is smaller than how hours differ.

## On a real server

The whole gate on the embedded Triton, as in \`npm run calibrate -- --real\`: the example models add_sub and text_recognition at concurrency 2,
beside themselves, ${real.length} decisions from ${real[0]?.date.slice(0, 10) ?? '–'} to ${real.at(-1)?.date.slice(0, 10) ?? '–'} on ${[...new Set(real.map(({ machine }) => machine))].join('; ') || '–'}, shared with other work. Unchanged models have
6 repetitions and 60 s at most. Every decision ever made is in \`test/calibration/real.jsonl\`.

${unchangedTable(real)}

With a candidate whose every execution takes longer, at the defaults and within 3 minutes. Where the whole machine waits, 20 % of an
execution's time is little of the p99.

${slowerTable(real)}
`
}
