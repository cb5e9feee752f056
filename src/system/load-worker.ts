/**
 * The load worker for a shell: dist/worker beside dist/cli and dist/action, the source where the shell runs
 * from its source. Computed, since ncc would rewrite a literal `new URL(…, import.meta.url)` into an asset.
 * @param shell the shell's own `import.meta.url`
 */
export function loadWorkerFor(shell: string): URL {
  return new URL(shell.endsWith('.ts') ? '../load/worker.ts' : '../worker/index.js', shell)
}
