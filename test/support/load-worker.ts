import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'

const source = join(import.meta.dirname, '../../src')
const entry = join(source, 'load/worker.ts')

/**
 * The load worker of the source as JavaScript, as a thread of a user's has it from `dist/`. Given TypeScript, Node strips the
 * types in every thread by WebAssembly of its own, and V8 takes the whole process down (SIGSEGV), once in thousands of threads,
 * where several do so beside its garbage collection.
 */
export const loadWorker: URL = await transpiled(filesFrom(entry))

/** The file and all that it imports, by path. Of the worker all are files of the source, since it imports no package. */
function filesFrom(path: string, files = new Map<string, string>()): Map<string, string> {
  if (files.has(path)) return files
  const text = readFileSync(path, 'utf8')
  files.set(path, text)
  for (const [, imported = ''] of text.matchAll(/ from '(\.[^']+)'$/gm))
    filesFrom(join(dirname(path), imported), files)
  return files
}

/** Once for a source: the folder is named by its content, and moved to its place when it is whole. */
async function transpiled(files: ReadonlyMap<string, string>): Promise<URL> {
  const hash = createHash('sha256')
  for (const [path, text] of files) hash.update(`${path}\0${text}\0`)
  const folder = join(tmpdir(), `tpg-load-worker-${hash.digest('hex').slice(0, 16)}`)
  if (!existsSync(folder)) {
    // Takes a third of a second, which most test files need not wait.
    const { default: ts } = await import('typescript')
    const compilerOptions = {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    }
    const unfinished = mkdtempSync(join(tmpdir(), 'tpg-load-worker-'))
    writeFileSync(join(unfinished, 'package.json'), '{ "type": "module" }')
    for (const [path, text] of files) {
      const target = join(unfinished, relative(source, path)).replace(/\.ts$/, '.js')
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, ts.transpileModule(text, { compilerOptions }).outputText)
    }
    try {
      renameSync(unfinished, folder)
    } catch {
      // Another process has been quicker.
      rmSync(unfinished, { recursive: true })
    }
  }
  return pathToFileURL(join(folder, relative(source, entry)).replace(/\.ts$/, '.js'))
}
