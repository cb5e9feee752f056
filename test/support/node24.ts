/** Refuses to test on another Node than the action's: `npm ci --omit=optional` would do so silently. */
export default function requireNode24(): void {
  const major = Number(process.versions.node.split('.')[0])
  if (major !== 24)
    throw new Error(
      `tests need Node 24 from the lock file, not ${process.versions.node}: run npm ci, then npm test`,
    )
}
