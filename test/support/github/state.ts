/** A workflow run as GitHub's REST interface shows it, as far as anybody here reads it. */
export interface Run {
  readonly id: number
  readonly path: string
  readonly event: string
  readonly status: 'completed' | 'in_progress'
  readonly conclusion: 'success' | 'failure' | 'cancelled' | null
  readonly head_branch: string
  readonly head_sha: string
  readonly head_repository: { readonly id: number } | null
  readonly created_at: string
}

/** A run that succeeded on a push to the main branch, whose first commit is `a…`. */
export const makeRun = (id: number, change: Partial<Run> = {}): Run => ({
  id,
  path: '.github/workflows/gate.yml',
  event: 'push',
  status: 'completed',
  conclusion: 'success',
  head_branch: 'main',
  head_sha: 'a'.repeat(40),
  head_repository: { id: 1 },
  created_at: '2026-01-01T00:00:00Z',
  ...change,
})

/** A job of a run, in one of its attempts. */
interface Job {
  readonly id: number
  readonly run_id: number
  readonly run_attempt: number
  readonly name: string
  readonly status: 'completed'
  readonly conclusion: 'success' | 'failure' | 'cancelled' | 'skipped'
}

/** An artifact, and the blob it was uploaded to. */
export interface StoredArtifact {
  readonly id: number
  readonly name: string
  readonly runId: number
  readonly blob: string
  readonly createdAt: string
  readonly expired: boolean
  /** null until it is finalized. */
  readonly digest: string | null
  readonly sizeBytes: number
}

interface Comment {
  readonly id: number
  readonly issue: number
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' }
  readonly body: string
}

/** A pull request, and what its diff shows. */
interface Pull {
  readonly number: number
  readonly state: 'open' | 'closed'
  readonly head: {
    readonly sha: string
    readonly ref: string
    readonly owner: string
    readonly repositoryId: number | null
  }
  readonly files: readonly { readonly filename: string; readonly patch?: string }[]
}

interface ReviewComment {
  readonly id: number
  readonly pull: number
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' }
  readonly path: string
  readonly line: number
  readonly start_line?: number
  readonly body: string
}

/** What goes wrong with the next requests that match, as often as `times` says. */
export interface Fault {
  /** Of `METHOD path`. */
  readonly match: RegExp
  times: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Does what was asked, then answers with the fault. */
  readonly afterwards?: boolean
  /** Cuts the connection after this share of the answer. */
  readonly cutAt?: number
  /** Never answers. */
  readonly hang?: boolean
}

interface Permissions {
  readonly actions: 'read' | 'none'
  readonly 'pull-requests': 'write' | 'read'
}

/** Everything the loopback GitHub knows, open to the tests. */
export interface State {
  runs: Run[]
  jobs: Job[]
  artifacts: StoredArtifact[]
  comments: Comment[]
  pulls: Pull[]
  reviewComments: ReviewComment[]
  releases: { readonly tag: string; readonly prerelease: boolean }[]
  /** The commit of a tag; null where there is none. */
  commitOf: (tag: string) => string | null
  /** How the second commit lies to the first; null where one of them is unknown. */
  compare: (base: string, head: string) => 'ahead' | 'behind' | 'diverged' | 'identical' | null
  faults: Fault[]
  permissions: Permissions
  readonly blobs: Map<string, Buffer>
  readonly blocks: Map<string, Buffer>
  /** `METHOD path` of every request, in order. */
  readonly requests: string[]
  /** Requests that this GitHub does not know: a test that ends with any has tested nothing. */
  readonly unknown: string[]
  /** What of the requests and answers GitHub's own description does not allow. */
  readonly violations: string[]
  nextId: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly authorization: string
  readonly body: Buffer
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
}

export const repositoryId = 1
export const jobToken = 'ghs_loopback0123456789'
export const botLogin = 'github-actions[bot]'
/** Long, since the client masks it in the log wherever it occurs. */
export const blobSignature = 'sig=5f0c2b7e9d41'

export function newState(): State {
  return {
    runs: [],
    jobs: [],
    artifacts: [],
    comments: [],
    pulls: [],
    reviewComments: [],
    releases: [],
    commitOf: () => null,
    compare: (base, head) => (base === head ? 'identical' : 'ahead'),
    faults: [],
    permissions: { actions: 'read', 'pull-requests': 'write' },
    blobs: new Map(),
    blocks: new Map(),
    requests: [],
    unknown: [],
    violations: [],
    nextId: 1000,
  }
}
