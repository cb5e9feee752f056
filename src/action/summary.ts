import { escapeMarkdown, markdownFence } from '../report/escape.ts'

/** GitHub drops a summary above 1 MiB whole, with an error annotation. One KiB is left for the runner's own bytes. */
export const maxSummaryBytes = 2 ** 20 - 2 ** 10

/** Enough for every problem of a configuration file; at three bytes a character it still fits a comment. */
const maxErrorLength = 15_000

/**
 * A report for a run that ended before there was a result: a pull request must not keep the comment of
 * an earlier, green run.
 *
 * @param text the error in words
 */
export function errorReport(text: string, runUrl: string): string {
  const shown = text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}\n…` : text
  return [
    '### Performance gate: invalid',
    '',
    'The gate ended before it could judge. This is not a pass.',
    '',
    markdownFence(shown, 'text'),
    '',
    `[Log of the run](${runUrl})`,
    '',
  ].join('\n')
}

/** A report for a change that no model of the gate sees. */
export function untouchedReport(why: string): string {
  return ['## ✅ Performance gate: pass', '', `Nothing was measured: ${escapeMarkdown(why)}.`, ''].join('\n')
}

/** A report for a run that has left nothing to show, and had no reason to: it says nothing of the change. */
export function silentReport(why: string): string {
  return [
    '### Performance gate: no result',
    '',
    `Nothing was measured, so nothing is known of this commit: ${escapeMarkdown(why)}. This is not a pass.`,
    '',
  ].join('\n')
}

/** What stands under a report that another run has made. */
export function relayedNote(runId: number, runUrl: string): string {
  return `\n<sub>Measured by [run ${runId}](${runUrl}), which ran this pull request's own code and workflow.</sub>\n`
}
