import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import type { GateRequest } from '../gate-request.ts'
import { lastRelease } from '../git/last-release.ts'

export interface ReferenceOptions {
  readonly baseline?: string
  readonly reference?: string
  readonly referenceRepository?: string
}

/**
 * What is measured beside the candidate: what a flag names; else, of a release that no baseline is given for, the release
 * before.
 *
 * @throws GateError `usage` before anything is measured for a verdict that could only fail
 */
export async function referenceFor(
  world: World,
  cwd: string,
  modelRepository: string,
  config: Config,
  { baseline, reference, referenceRepository }: ReferenceOptions,
): Promise<GateRequest['reference']> {
  if (reference !== undefined && referenceRepository !== undefined) {
    throw new GateError('usage', '--reference and --reference-repository exclude each other', {
      hint: 'Name a git commit with the first, or a folder with the second.',
    })
  }
  if (reference === 'none') return null
  if (reference !== undefined) return { kind: 'git', ref: reference }
  if (referenceRepository !== undefined)
    return { kind: 'repository', path: resolve(cwd, referenceRepository) }
  if (config.overrides.release !== true || baseline !== undefined) return null
  const remote = config.triton.mode === 'remote'
  const release = remote ? null : await lastRelease(world, modelRepository)
  if (release !== null) {
    world.progress(`the release before: ${release.tag} (${release.commit.slice(0, 7)})`)
    return { kind: 'git', ref: release.tag }
  }
  const why = remote
    ? 'a remote server is measured with one set of models only'
    : 'HEAD grew out of no tag of a version, such as v1.2.3'
  if (config.gate.onMissingBaseline !== 'fail') {
    world.progress(`there is no release to compare with: ${why}`)
    return null
  }
  throw new GateError('usage', `--release: there is nothing to compare with: ${why}`, {
    hint: remote
      ? "Give the last release's baseline.json with --baseline."
      : 'Name the last release with --reference TAG, or give its baseline.json with --baseline; in a shallow clone run `git fetch --unshallow --tags`. For the first release of all: --on-missing-baseline inconclusive --on-inconclusive warn.',
  })
}
