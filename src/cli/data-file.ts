import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { GateError, messageOf } from '../domain/error.ts'
import { issuesOf } from '../domain/issues.ts'

/** Reads one of the program's own files; every way it can be wrong is an error that names it. */
export async function readDataFile<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  kind: string,
): Promise<z.infer<Schema>> {
  const value = parseJson(await readText(path), path)
  const issues = issuesOf(schema, value)
  // As it was read: a parsed copy has its keys in another order, and a file written again should be the same.
  if (issues.length === 0) return value as z.infer<Schema>
  throw new GateError('baseline', `${path} is not a ${kind} file of this version`, {
    problems: issues
      .slice(0, 10)
      .map((issue) => ({ file: path, key: issue.path.join('.'), message: issue.message })),
    hint: `Name a ${kind}.json that this version of triton-perf-gate wrote.`,
  })
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new GateError('usage', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Name the file that a run of triton-perf-gate wrote into its output folder.',
      cause: error,
    })
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GateError('baseline', `${path} is not JSON: it may be truncated`, {
      hint: 'Take the file anew from the artifact or output folder of its run, or run again.',
      cause: error,
    })
  }
}
