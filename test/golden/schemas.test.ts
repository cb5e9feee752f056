import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { renderJson } from '../../src/report/json.ts'
import { publishedSchemas } from '../../src/report/json-schemas.ts'

test.each(Object.entries(publishedSchemas()))('schema/%s is what the source says', (name, schema) => {
  const path = join(import.meta.dirname, '../../schema', name)
  expect(readFileSync(path, 'utf8')).toBe(renderJson(schema))
  expect(schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
  })
})
