// Makes openapi.json: GitHub's own OpenAPI description of the operations that the loopback GitHub answers, out
// of the npm package @octokit/openapi (MIT), which is too large to depend on (400 MB). Run by hand when an operation is added:
//   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
//   node test/support/github/extract-openapi.ts package/generated/api.github.com.json
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const operations = [
  'GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs',
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}',
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts',
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs',
  'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}',
  'GET /repos/{owner}/{repo}/compare/{basehead}',
  'GET /repos/{owner}/{repo}/commits/{ref}',
  'GET /repos/{owner}/{repo}/releases',
  'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'GET /repos/{owner}/{repo}/pulls',
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/files',
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/comments',
  'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
  'DELETE /repos/{owner}/{repo}/pulls/comments/{comment_id}',
]

type Json = Record<string, unknown>
const whole = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  info: { version: string }
  paths: Record<string, Record<string, Json>>
  components: Record<string, Record<string, Json>>
}
const components: Record<string, Record<string, unknown>> = {}

/** Without prose and examples; every $ref that is met is taken along. */
function lean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lean)
  if (typeof value !== 'object' || value === null) return value
  const ref = (value as { $ref?: unknown }).$ref
  if (typeof ref === 'string') take(ref)
  const kept = Object.entries(value).filter(
    ([key, each]) =>
      !/^(description|examples?|externalDocs|summary|title|x-.*)$/.test(key) || isProperty(key, each),
  )
  const { nullable, ...schema } = Object.fromEntries(kept.map(([key, each]) => [key, lean(each)]))
  if (nullable !== true) return schema
  // OpenAPI 3.0 says `nullable` where JSON Schema, which validates, knows the type null.
  return 'type' in schema ? { ...schema, nullable } : { anyOf: [{ enum: [null] }, schema] }
}

/** A property may be called `description` or `title`: then what stands there is a schema. */
function isProperty(key: string, value: unknown): boolean {
  return /^(description|title|summary)$/.test(key) && typeof value === 'object'
}

function take(ref: string): void {
  const [, , kind = '', name = ''] = ref.split('/')
  if (components[kind]?.[name] !== undefined) return
  const ofKind = components[kind] ?? {}
  components[kind] = ofKind
  // Named before it is filled, since it may lead back to itself.
  ofKind[name] = {}
  ofKind[name] = lean(whole.components[kind]?.[name])
}

const paths: Record<string, Json> = {}
for (const operation of operations) {
  const [method = '', path = ''] = operation.split(' ')
  const found = whole.paths[path]?.[method.toLowerCase()]
  if (found === undefined) throw new Error(`GitHub has no operation ${operation}`)
  const { parameters, requestBody, responses } = found
  paths[path] = { ...paths[path], [method.toLowerCase()]: lean({ parameters, requestBody, responses }) }
}
const target = join(import.meta.dirname, 'openapi.json')
writeFileSync(target, `${JSON.stringify({ version: whole.info.version, paths, components }, null, 1)}\n`)
