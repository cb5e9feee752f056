import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Measurements, measurementsSchema } from '../domain/measurements.ts'
import { readDataFile } from './data-file.ts'
import type { Shell } from './shell.ts'

/** `--resume`: what an earlier run measured and left in `--output`; null where it is not asked for, or there is none yet. */
export async function openResumed(
  shell: Shell,
  options: { readonly resume?: boolean; readonly output: string },
): Promise<Measurements | null> {
  if (options.resume !== true) return null
  const file = join(resolve(shell.cwd, options.output), 'measurements.json')
  if (existsSync(file)) return readDataFile(file, measurementsSchema, 'measurements')
  shell.err(`--resume: there is no ${file} yet, so this run begins afresh\n`)
  return null
}
