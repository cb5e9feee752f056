import type { ArtifactUploader } from './upload.ts'

/** The artifact client, loaded only where it is needed: it doubles the time the action takes to start. */
export async function artifactClient(): Promise<ArtifactUploader> {
  const { DefaultArtifactClient } = await import('@actions/artifact')
  return new DefaultArtifactClient()
}
