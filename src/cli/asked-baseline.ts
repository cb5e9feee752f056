import { resolve } from 'node:path'
import { type OpenedBaseline, openBaseline } from '../baseline/find.ts'
import type { Config } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { Shell } from './shell.ts'

/** The file that --baseline, or another flag, names. One that is missing or broken is told now, not after minutes of measuring. */
export async function openAsked(
  shell: Shell,
  path: string | undefined,
  flag: '--baseline' | '--history' = '--baseline',
): Promise<OpenedBaseline> {
  if (path === undefined) return { status: 'notRequested' }
  const opened = await openBaseline({ status: 'file', path: resolve(shell.cwd, path), source: path })
  if (opened.status === 'absent') {
    const hint =
      flag === '--history'
        ? "Name the main branch's newest baseline.json, or leave --history out."
        : opened.next
    throw new GateError('usage', `${flag}: there is no file ${opened.source}`, { hint })
  }
  if (opened.status === 'unreadable' || opened.status === 'incompatible') {
    const why = opened.status === 'unreadable' ? opened.why : opened.differences.join('; ')
    throw new GateError('baseline', `the baseline ${opened.source} cannot be used: ${why}`, {
      hint: opened.next,
    })
  }
  return opened
}

/** The file of --history. A release that is to fail by creep cannot be judged without it. */
export function openHistory(
  shell: Shell,
  path: string | undefined,
  { gate, overrides }: Pick<Config, 'gate' | 'overrides'>,
): Promise<OpenedBaseline> {
  if (path === undefined && overrides.release === true && gate.onCreep === 'fail') {
    throw new GateError('usage', '--release with gate.on_creep: fail cannot be judged without --history', {
      hint: "Give the main branch's newest baseline.json with --history, or set gate.on_creep to warn.",
    })
  }
  return openAsked(shell, path, '--history')
}
