import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/**
 * What a run leaves that had nothing to measure, in the place of a result: without it the workflow that writes the
 * comment could not tell such a run from one that has lost its gate.
 */
export const untouchedFile = 'untouched.json'

/** The names of a hundred models; escaped it still fits a comment. */
const maxWhyLength = 4000

export const untouchedSchema = z.strictObject({
  kind: z.literal('untouched'),
  schemaVersion: z.literal(1),
  /** Why no gated model is touched, in words. */
  why: z.string().max(maxWhyLength),
})

/** Writes the file; a why that is too long is cut. */
export function writeUntouched(outputDirectory: string, why: string): void {
  const content: z.infer<typeof untouchedSchema> = {
    kind: 'untouched',
    schemaVersion: 1,
    why: why.slice(0, maxWhyLength),
  }
  mkdirSync(outputDirectory, { recursive: true })
  writeFileSync(join(outputDirectory, untouchedFile), `${JSON.stringify(content)}\n`)
}
