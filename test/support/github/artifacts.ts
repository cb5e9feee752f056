import { createHash, randomUUID } from 'node:crypto'
import { type Answer, blobSignature, type Request, type State, type StoredArtifact } from './state.ts'

/** The runner's token for artifacts: the client reads the run's and job's names out of its claim `scp`. */
export function runtimeToken(runId: number): string {
  const claims = { scp: `Actions.ExampleScope Actions.Results:run-${runId}:job-1`, exp: 4_102_444_800 }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.x`
}

/** Puts a finished artifact of some run there, as if it had been uploaded. */
export function seedArtifact(state: State, runId: number, name: string, zip: Buffer): StoredArtifact {
  const blob = randomUUID()
  state.blobs.set(blob, zip)
  const artifact = {
    id: state.nextId++,
    name,
    runId,
    blob,
    createdAt: '2026-01-01T00:00:00Z',
    expired: false,
    digest: sha256(zip),
    sizeBytes: zip.length,
  }
  state.artifacts.push(artifact)
  return artifact
}

/** The artifact service (twirp with JSON) and the block blobs behind it; null for any other path. */
export function answerArtifacts(state: State, request: Request): Answer | null {
  const call = /^\/twirp\/github\.actions\.results\.api\.v1\.ArtifactService\/(\w+)$/.exec(request.path)
  if (call !== null) return answerTwirp(state, request, call[1] ?? '')
  const blob = /^\/blob\/([\w-]+)$/.exec(request.path)
  return blob === null ? null : answerBlob(state, request, blob[1] ?? '')
}

function answerTwirp(state: State, request: Request, method: string): Answer | null {
  const claims = /^Bearer [\w-]+\.([\w-]+)\./.exec(request.authorization)?.[1]
  if (request.method !== 'POST' || claims === undefined) {
    return { status: 401, body: { code: 'unauthenticated', msg: 'no runtime token' } }
  }
  const body = JSON.parse(request.body.toString()) as Record<string, string>
  const runId = Number(/^run-(\d+)$/.exec(body.workflow_run_backend_id ?? '')?.[1])
  const scope = Buffer.from(claims, 'base64url').toString()
  if (!scope.includes(`Actions.Results:run-${runId}:`)) {
    return { status: 403, body: { code: 'permission_denied', msg: 'a token of another run' } }
  }
  const sameName = (artifact: StoredArtifact) => artifact.runId === runId && artifact.name === body.name
  switch (method) {
    case 'CreateArtifact': {
      if (state.artifacts.some(sameName)) {
        return {
          status: 409,
          body: { code: 'already_exists', msg: 'an artifact with this name already exists' },
        }
      }
      const blob = randomUUID()
      state.artifacts.push({
        id: state.nextId++,
        name: body.name ?? '',
        runId,
        blob,
        createdAt: new Date().toISOString(),
        expired: false,
        digest: null,
        sizeBytes: 0,
      })
      return {
        status: 200,
        body: { ok: true, signed_upload_url: `${request.origin}/blob/${blob}?${blobSignature}` },
      }
    }
    case 'FinalizeArtifact': {
      const at = state.artifacts.findIndex(sameName)
      const artifact = state.artifacts[at]
      const content = artifact && state.blobs.get(artifact.blob)
      if (artifact === undefined || content === undefined)
        return { status: 404, body: { code: 'not_found', msg: 'none' } }
      const digest = sha256(content)
      if (body.size !== String(content.length) || body.hash !== digest) {
        return { status: 400, body: { code: 'invalid_argument', msg: 'size or hash differ from the blob' } }
      }
      state.artifacts[at] = { ...artifact, digest, sizeBytes: content.length }
      return { status: 200, body: { ok: true, artifact_id: String(artifact.id) } }
    }
    default:
      return null
  }
}

function answerBlob(state: State, request: Request, key: string): Answer | null {
  if (!request.query.toString().includes(blobSignature)) return { status: 403, body: 'no signature' }
  const kind = request.query.get('comp')
  if (request.method === 'PUT' && kind === 'block') {
    state.blocks.set(`${key}/${request.query.get('blockid')}`, request.body)
    return { status: 201 }
  }
  if (request.method === 'PUT' && kind === 'blocklist') {
    const ids = [...request.body.toString().matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id]) => id ?? '')
    const blocks = ids.map((id) => state.blocks.get(`${key}/${id}`))
    if (blocks.some((block) => block === undefined)) return { status: 400, body: 'InvalidBlockList' }
    state.blobs.set(key, Buffer.concat(blocks.filter((block) => block !== undefined)))
    return { status: 201 }
  }
  if (request.method !== 'GET') return null
  const content = state.blobs.get(key)
  if (content === undefined) return { status: 404, body: 'BlobNotFound' }
  return { status: 200, headers: { 'content-type': 'application/zip' }, body: content }
}

function sha256(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
