import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { GateError, messageOf } from '../domain/error.ts'

/**
 * All or nothing: where the program is killed while writing, or the disk is full (GateError), the file stays
 * as it was before.
 */
export function writeWhole(file: string, text: string): void {
  const draft = `${file}.tmp`
  try {
    writeFileSync(draft, text)
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')
    throw new GateError('environment', `${file} cannot be written: ${messageOf(error)}`, {
      hint: `${full ? 'Free some space there' : 'Name a writable folder'}, or write elsewhere (--output, input output-directory). What was written before is still there.`,
      cause: error,
    })
  }
}
