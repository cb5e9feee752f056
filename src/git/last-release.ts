import type { World } from '../domain/world.ts'
import { nsPerSecond } from '../domain/world.ts'

/** A tag and the commit it stands on. */
export interface Release {
  readonly tag: string
  readonly commit: string
}

/** git answers from the disk; a dead network file system must not cost the job. */
const timeoutNs = 30 * nsPerSecond

/** `v1.2.3`, `2.0`, `models-v4`, `release/1.2`: not `v1.2.0-rc1`, whose release is yet to come, and not `nightly`. */
const endsInVersion = /(?:^|[^\w.])(?:v\d+(?:\.\d+)*|\d+(?:\.\d+)+)$/
/** `nightly-2026.11.26` is a version of no release, and a release compared with last night's would hide what became of it before. */
const isPreRelease =
  /(?:^|[^a-z])(?:alpha|beta|canary|dev|nightly|pre|preview|prerelease|rc|snapshot|weekly)(?:[^a-z]|$)/i

/**
 * The newest release that HEAD grew out of, by the tags of versions: what `git describe` finds, but on another commit than
 * HEAD, and no pre-release. null where there is none, outside git, and where a shallow clone lacks it.
 */
export async function lastRelease(world: Pick<World, 'run'>, directory: string): Promise<Release | null> {
  const format = '%(refname:strip=2) %(objectname) %(*objectname)'
  const filters = ['--merged=HEAD', '--no-contains=HEAD', '--sort=-creatordate']
  const output = await world.run(
    'git',
    ['-C', directory, 'for-each-ref', ...filters, `--format=${format}`, 'refs/tags'],
    { timeoutNs },
  )
  if (output.exitCode !== 0) return null
  for (const line of output.stdout.split('\n')) {
    // A tag with a message is an object of its own, and the commit stands behind it.
    const [tag, object, commit] = line.split(' ')
    if (tag !== undefined && object !== undefined && endsInVersion.test(tag) && !isPreRelease.test(tag))
      return { tag, commit: commit === undefined || commit === '' ? object : commit }
  }
  return null
}
