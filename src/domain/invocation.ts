import { z } from 'zod'

/** The command that measured, so that a report can say how to do it again. */
export const invocationSchema = z
  .strictObject({
    command: z.enum(['run', 'search']),
    /** What it was given beside models, server, reference and baseline: `--time-budget 60s`, not quoted; paths from the folder it was started in. */
    flags: z.array(z.string()),
    /** Whither the files went, from there. */
    output: z.string(),
  })
  .readonly()
export type Invocation = z.infer<typeof invocationSchema>

/** The same with how it was judged. */
export const judgedInvocationSchema = invocationSchema
  .unwrap()
  .extend({
    /** `baseline` compares with nothing. */
    mode: z.enum(['gate', 'baseline']),
    /** Flags of `run` and `compare` alike: `--release`. */
    policies: z.array(z.string()),
  })
  .readonly()
