// Builds the four bundles of dist/ with ncc: the action, its post step, the CLI and the load worker.
// The worker is a bundle of its own because ncc cannot follow `new Worker(new URL(...))` into TypeScript.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import ts from 'typescript'

const major = Number(process.versions.node.split('.')[0])
if (major !== 24) {
  // With `npm ci --omit=optional` the scripts silently run on another Node: the bundles would still be
  // built, but not be proven on the runtime the action declares.
  throw new Error(
    `the build needs Node 24 from the lock file, not ${process.versions.node}: run npm ci, then npm run build`,
  )
}

const root = join(import.meta.dirname, '..')
const entries = {
  action: 'src/action/main.ts',
  post: 'src/action/post.ts',
  cli: 'src/cli/main.ts',
  worker: 'src/load/worker.ts',
}
const target = process.argv[2] ?? join(root, 'dist')
const licenses = new Map<string, string>()

/**
 * Half a megabyte that nothing here ever runs, left out of the bundles (docs/adr/0013). grpc-js asks for its
 * proto loader only for channelz and ORCA, by a `require` at that moment.
 */
const neverLoaded = ['@grpc/proto-loader']
/** Azure's client imports it, as a chunk of its own, only to list blobs in the Arrow format, which uploads never do. */
const isArrowChunk = (path: string) =>
  /^\d+\.index\.js$/.test(basename(path)) &&
  readFileSync(path, 'utf8').includes('/node_modules/apache-arrow/')

rmSync(target, { recursive: true, force: true })
for (const [name, entry] of Object.entries(entries)) {
  const out = mkdtempSync(join(tmpdir(), `tpg-build-${name}-`))
  try {
    execFileSync(
      process.execPath,
      [
        join(root, 'node_modules/@vercel/ncc/dist/ncc/cli.js'),
        'build',
        join(root, entry),
        '-o',
        out,
        '--license',
        'licenses.txt',
        ...neverLoaded.flatMap((name) => ['--external', name]),
        // Types are `npm run types`'; here they would be checked four times over.
        '--transpile-only',
        '--quiet',
      ],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    mkdirSync(join(target, name), { recursive: true })
    for (const file of readdirSync(out)) {
      // grpc-js ships .proto files for xDS that a plain client never reads.
      if (['proto', 'xds', 'protoc-gen-validate', 'lib'].includes(file)) continue
      if (isArrowChunk(join(out, file))) continue
      if (file === 'licenses.txt') licenses.set(name, readFileSync(join(out, file), 'utf8'))
      else if (file.endsWith('.js')) writeFileSync(join(target, name, file), withoutComments(join(out, file)))
      else cpSync(join(out, file), join(target, name, file), { recursive: true })
    }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
writeFileSync(join(target, 'THIRD-PARTY-LICENSES.txt'), mergeLicenses([...licenses.values()]))

/** The program as TypeScript prints it, which keeps every name and line of code, and takes half a megabyte less. */
function withoutComments(path: string): string {
  return ts.transpileModule(readFileSync(path, 'utf8'), {
    fileName: path,
    compilerOptions: {
      allowJs: true,
      removeComments: true,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
    },
  }).outputText
}

/** One entry a package, sorted, however many bundles hold it. ncc writes name, licence, text. */
function mergeLicenses(texts: readonly string[]): string {
  const packages = new Map<string, string[]>()
  for (const text of texts) {
    let lines: string[] = []
    for (const line of text.split('\n')) {
      if (line !== '' && existsSync(join(root, 'node_modules', line, 'package.json'))) {
        lines = []
        packages.set(line, lines)
      }
      lines.push(line)
    }
  }
  const names = [...packages.keys()].sort()
  return `${names.map((name) => packages.get(name)?.join('\n').trimEnd()).join('\n\n')}\n`
}
