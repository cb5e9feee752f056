import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { World } from '../../../src/domain/world.ts'
import { cacheFolder } from '../../../src/triton/embedded.ts'
import { testWorld } from '../embedded-triton.ts'

/** Fields of nvml.c's state; one that is left out is not supported by the driver. */
export interface GpuState {
  readonly uuid: string
  readonly name?: string
  /** MiB */
  readonly total?: number
  readonly used?: number
  /** Percent. */
  readonly utilization?: number
  /** Milliwatts. */
  readonly power?: number
  readonly clock?: number
  readonly throttle?: number
  readonly mig?: 0 | 1
  readonly lost?: 1
  /** MHz */
  readonly default_clock?: number
  /** What the calls that lock clocks return. */
  readonly locking?: number
}

export interface NvmlState {
  /** What nvmlInit returns. */
  readonly init?: number
  readonly gpus?: readonly GpuState[]
  /** `gpu` is an index, `memory` in MiB; without memory nvidia-smi shows none. */
  readonly processes?: readonly { readonly gpu: number; readonly pid: number; readonly memory?: number }[]
}

/** The real nvidia-smi on stand-in GPUs. */
export interface StandIn {
  /** A world in which nvidia-smi is found and reads the stand-in GPUs. */
  readonly world: World
  readonly stateFile: string
  /** For a server's environment: so many stand-in GPUs, of which Triton exports its own metrics. */
  readonly serverEnvironment: (gpus: number) => Readonly<Record<string, string>>
  readonly set: (state: NvmlState) => void
  /** Everything that was done to the clocks since the last time, in its order. */
  readonly takeClockChanges: () => string[]
  readonly remove: () => void
}

/** Builds the stand-in library and gets nvidia-smi; or says why that cannot be. */
export function openStandIn(): StandIn | { readonly unavailable: string } {
  const root = mkdtempSync(join(tmpdir(), 'tpg-nvml-'))
  try {
    buildLibrary(root, 'libnvidia-ml.so.1', 'nvml.c')
    buildLibrary(root, 'libcudart.so.12', 'cudart.c', 'cudart.map')
    copyFileSync(nvidiaSmi(), join(root, 'nvidia-smi'))
  } catch (error) {
    rmSync(root, { recursive: true })
    return { unavailable: `nvidia-smi on stand-in GPUs: ${describeFailure(error)}` }
  }
  const stateFile = join(root, 'state')
  return {
    world: worldWith({ LD_LIBRARY_PATH: root, NVML_STATE: stateFile, PATH: `${root}:${process.env.PATH}` }),
    stateFile,
    serverEnvironment: (gpus) => ({
      // Preloaded both: a server brings its own search path for libraries.
      LD_PRELOAD: ['libnvidia-ml.so.1', 'libcudart.so.12'].map((name) => join(root, name)).join(' '),
      NVML_STATE: stateFile,
      STAND_IN_GPUS: `${gpus}`,
    }),
    set: (state) => {
      // By a rename, since the state is read at any time.
      writeFileSync(`${stateFile}.new`, stateText(state))
      renameSync(`${stateFile}.new`, stateFile)
    },
    takeClockChanges: () => {
      const file = `${stateFile}.clocks`
      const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
      rmSync(file, { force: true })
      return text.split('\n').filter((line) => line !== '')
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

function buildLibrary(folder: string, soname: string, source: string, versions?: string): void {
  const place = (name: string) => join(import.meta.dirname, name)
  const flags = ['-O1', '-w', '-shared', '-fPIC', `-Wl,-soname,${soname}`]
  const map = versions === undefined ? [] : [`-Wl,--version-script=${place(versions)}`]
  execFileSync('gcc', [...flags, ...map, '-o', join(folder, soname), place(source)], { stdio: 'pipe' })
}

/** The real world, with `additions` in the environment of nvidia-smi alone: the server must not load the stand-in. */
export function worldWith(additions: Readonly<Record<string, string>>): World {
  const world = testWorld()
  const forCommand = (command: string, env: World['env'] = {}) =>
    command === 'nvidia-smi' ? { ...additions, ...env } : env
  // A command is searched in the PATH of the environment it gets.
  return {
    ...world,
    run: (command, args, options = {}) =>
      world.run(command, args, { ...options, env: forCommand(command, options.env) }),
    launch: (command, args, options) =>
      world.launch(command, args, { ...options, env: forCommand(command, options.env) }),
  }
}

function stateText({ init, gpus = [], processes = [] }: NvmlState): string {
  const fields = (values: object) =>
    Object.entries(values)
      .map(([key, value]) => ` ${key}=${String(value).replaceAll(' ', '_')}`)
      .join('')
  return [
    ...(init === undefined ? [] : [`init ${init}`]),
    ...gpus.map((gpu) => `gpu${fields(gpu)}`),
    ...processes.map((process) => `process${fields(process)}`),
    '',
  ].join('\n')
}

/**
 * NVIDIA's own nvidia-smi from Debian's non-free archive, kept in the product's cache. Nothing is installed, and the
 * archive's own lists are left alone: apt works in folders of its own.
 */
function nvidiaSmi(): string {
  const kept = join(cacheFolder(process.env), 'test-nvidia-smi')
  if (existsSync(kept)) return kept
  const work = mkdtempSync(join(tmpdir(), 'tpg-apt-'))
  try {
    for (const folder of ['parts', 'lists/partial', 'cache/archives/partial'])
      mkdirSync(join(work, folder), { recursive: true })
    const sources = readFileSync('/etc/apt/sources.list.d/debian.sources', 'utf8')
    const nonFree = sources.replaceAll(/^Components:.*$/gm, 'Components: non-free')
    writeFileSync(join(work, 'parts/non-free.sources'), nonFree)
    const options = [
      'Dir::Etc::sourcelist=/dev/null',
      `Dir::Etc::sourceparts=${join(work, 'parts')}`,
      `Dir::State::lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option])
    const apt = (...args: string[]) =>
      execFileSync('apt-get', [...options, '-qq', ...args], { cwd: work, stdio: 'pipe', timeout: 60_000 })
    apt('update')
    apt('download', 'nvidia-smi')
    const [archive] = readdirSync(work).filter((name) => name.endsWith('.deb'))
    execFileSync('dpkg', ['-x', archive ?? '', 'root'], { cwd: work, stdio: 'pipe' })
    mkdirSync(cacheFolder(process.env), { recursive: true })
    copyFileSync(join(work, 'root/usr/lib/nvidia/current/nvidia-smi'), `${kept}.${process.pid}`)
    renameSync(`${kept}.${process.pid}`, kept)
    return kept
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function describeFailure(error: unknown): string {
  const { message, stderr } = error as { message?: string; stderr?: Buffer }
  return [message?.split('\n')[0], stderr?.toString().trim().split('\n').at(-1)].filter(Boolean).join(': ')
}
