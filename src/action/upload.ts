import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../domain/error.ts'

/** The upload of `@actions/artifact`. */
export interface ArtifactUploader {
  readonly uploadArtifact: (
    name: string,
    files: string[],
    rootDirectory: string,
  ) => Promise<{ id?: number; size?: number; digest?: string }>
}

export type UploadOutcome =
  | { readonly status: 'uploaded'; readonly name: string; readonly digest: string }
  /** GitHub Enterprise Server has no artifact service of this version. */
  | { readonly status: 'unsupported'; readonly name: string; readonly why: string }
  | { readonly status: 'failed'; readonly name: string; readonly why: string }

/** One artifact per key, since a name can be used once in a run, also by the legs of a matrix. */
export function resultArtifactName(key: string): string {
  return key === 'default' ? 'triton-perf-gate-result' : `triton-perf-gate-result-${key}`
}

/** What the gate writes into its output directory, which may be the checkout itself: nothing else there is ours. */
const ours =
  /^(result|measurements|baseline|untouched)\.json$|^report\.(md|html)$|^[\w-]+\.csv$|^server[\w.-]*\.log$|^best-config\/[^/]+\.patch$/

/** File times come from a coarser clock than Date.now(), on some file systems in whole seconds. */
const clockSlackMs = 1000

/**
 * The gate's own files with their absolute paths. Links are left out, since what they point at is not ours,
 * and so is what was there before: a self-hosted runner keeps its checkout, and an earlier run's files must
 * not pass for this one's.
 *
 * @param sinceMs when the run began, as in `Date.now()`
 */
export function gateFiles(outputDirectory: string, sinceMs: number): string[] {
  if (!existsSync(outputDirectory)) return []
  const below = (folder: string) =>
    readdirSync(join(outputDirectory, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(folder, entry.name))
  const patches = existsSync(join(outputDirectory, 'best-config')) ? below('best-config') : []
  return [...below('.'), ...patches]
    .filter((file) => ours.test(file))
    .sort()
    .map((file) => join(outputDirectory, file))
    .filter((path) => statSync(path).mtimeMs >= sinceMs - clockSlackMs)
}

/** Uploads files as one artifact; what goes wrong is an outcome, since the caller knows what it means. */
export async function upload(
  uploader: ArtifactUploader,
  name: string,
  files: string[],
  rootDirectory: string,
): Promise<UploadOutcome> {
  try {
    const { digest } = await uploader.uploadArtifact(name, files, rootDirectory)
    return { status: 'uploaded', name, digest: digest ?? '' }
  } catch (error) {
    const why = messageOf(error)
    const unsupported = error instanceof Error && error.name === 'GHESNotSupportedError'
    return { status: unsupported ? 'unsupported' : 'failed', name, why }
  }
}
