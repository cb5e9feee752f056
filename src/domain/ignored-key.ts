import { z } from 'zod'

/** A key of the configuration file that was read and has no effect here. */
export const ignoredKeySchema = z
  .strictObject({
    file: z.string(),
    /** Left out where it is not known. */
    line: z.int().positive().optional(),
    /** With its place: `perf_analyzer_flags.binary-search`. */
    key: z.string(),
    /** The reason, and what to use instead; a clause. */
    why: z.string(),
  })
  .readonly()
export type IgnoredKey = z.infer<typeof ignoredKeySchema>

/** `ma.yml:3: checkpoint_directory: no effect: use --resume.` */
export function ignoredKeyWords({ file, line, key, why }: IgnoredKey): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${key}: no effect: ${why}.`
}
