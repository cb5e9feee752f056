import { renameSync, writeFileSync } from 'node:fs'

/** All or nothing: a program that is killed while writing leaves the file as it was before. */
export function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text)
  renameSync(`${file}.tmp`, file)
}
