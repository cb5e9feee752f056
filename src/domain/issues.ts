import { z } from 'zod'
import { isMapping } from './mapping.ts'

/** What a schema has against a value, and where. */
export type Issue = Pick<z.core.$ZodIssue, 'path' | 'message'>

/**
 * All that a schema has against a value; empty where it fits. The lists of an object are checked item by item, since zod copies
 * what it checks: of a file of 50 MB the copy of the whole would be the largest thing in memory.
 */
export function issuesOf(schema: z.ZodType, value: unknown): Issue[] {
  const object = unwrapped(schema)
  if (!(object instanceof z.ZodObject) || !isMapping(value)) return issuesIn(schema, value)
  const frame: Record<string, z.ZodType> = {}
  const inside: Issue[] = []
  const add = (at: readonly PropertyKey[], issues: readonly Issue[]) => {
    for (const { path, message } of issues) inside.push({ path: [...at, ...path], message })
  }
  for (const [key, part] of Object.entries<z.ZodType>(object.shape)) {
    const [own, content] = [unwrapped(part), value[key]]
    if (own instanceof z.ZodArray && Array.isArray(content)) {
      // What holds for the list as a whole, such as its longest length, stays.
      frame[key] = own.clone({ ...own.def, element: z.unknown() })
      const items: readonly unknown[] = content
      for (const [index, item] of items.entries()) add([key, index], issuesIn(own.element as z.ZodType, item))
    } else if (own instanceof z.ZodObject && isMapping(content)) {
      frame[key] = z.unknown()
      add([key], issuesOf(own, content))
    }
  }
  return [...issuesIn(object.extend(frame), value), ...inside]
}

function issuesIn(schema: z.ZodType, value: unknown): Issue[] {
  return schema.safeParse(value).error?.issues ?? []
}

/** Without what says that it may be missing, or must not be written to. */
function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodNullable || schema instanceof z.ZodOptional)
    return unwrapped(schema.unwrap() as z.ZodType)
  return schema
}
