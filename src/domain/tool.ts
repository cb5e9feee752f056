import { z } from 'zod'

/** What signs every file. A test keeps it equal to package.json. */
export const tool = { name: 'triton-perf-gate', version: '0.1.0' } as const

export const toolSchema = z.strictObject({ name: z.literal(tool.name), version: z.string() })
