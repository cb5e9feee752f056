import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TritonSettings } from '../../src/config/config.ts'
import type { World } from '../../src/domain/world.ts'
import { ensureEmbeddedTriton } from '../../src/triton/embedded.ts'
import { embeddedSettings } from './embedded-triton.ts'
import { until } from './until.ts'

/** A Docker engine of the test's own: nothing of it is left after `stop`, and the machine's own is not touched. */
export interface DockerEngine {
  /** For DOCKER_HOST. */
  readonly host: string
  /** Whether containers can have a network of their own; else why not. */
  readonly bridge: true | string
  readonly stop: () => Promise<void>
}

/**
 * A bridge of the test's own, and how to remove it. The engine's proxy publishes ports without firewall rules, and
 * what the machine's own engine calls docker0 is not touched.
 */
function makeBridge(): { readonly name: string; readonly remove: () => void } | string {
  const name = `tpg${process.pid}`.slice(0, 15)
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' })
  const remove = () => {
    try {
      ip('link', 'delete', name)
    } catch {
      // Not made, or gone with the engine.
    }
  }
  try {
    ip('link', 'add', name, 'type', 'bridge')
    ip('address', 'add', `172.29.${process.pid % 256}.1/24`, 'dev', name)
    ip('link', 'set', name, 'up')
    return { name, remove }
  } catch (error) {
    remove()
    return `no bridge can be made: ${error}`
  }
}

/** Starts dockerd, or says why that cannot be. */
export async function startDocker(): Promise<DockerEngine | { readonly unavailable: string }> {
  const unavailable = (why: string) => ({ unavailable: `Docker engine for the test: ${why}` })
  if (process.getuid?.() !== 0) return unavailable('dockerd needs root')
  // In /tmp, since a socket's path has at most 107 characters.
  const root = mkdtempSync('/tmp/tpg-docker-')
  const host = `unix://${root}/s`
  writeFileSync(join(root, 'config.json'), '{}')
  const bridge = makeBridge()
  const args = [
    `--config-file=${root}/config.json`,
    `--data-root=${root}/data`,
    `--exec-root=${root}/exec`,
    `--pidfile=${root}/pid`,
    `--host=${host}`,
    `--bridge=${typeof bridge === 'string' ? 'none' : bridge.name}`,
    '--iptables=false',
    '--ip6tables=false',
  ]
  const daemon = spawn('dockerd', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  daemon.stderr.on('data', (chunk: Buffer) => {
    log = `${log}${chunk.toString()}`.slice(-4000)
  })
  const lastWords = () => log.trim().split('\n').at(-1) ?? ''
  /** Why it runs no more. */
  const end: { why?: string } = {}
  daemon.on('error', (error) => {
    end.why = error.message
  })
  daemon.on('exit', () => {
    end.why ??= lastWords()
  })
  const answers = () => {
    try {
      docker(host, 'version')
      return true
    } catch {
      return false
    }
  }
  const stop = async () => {
    daemon.kill('SIGTERM')
    await until(() => end.why !== undefined, 60_000)
    if (typeof bridge !== 'string') bridge.remove()
    removeFolder(root)
  }
  try {
    await until(() => end.why !== undefined || answers())
  } catch {
    await stop()
    return unavailable(`no answer: ${lastWords()}`)
  }
  if (end.why !== undefined) {
    if (typeof bridge !== 'string') bridge.remove()
    removeFolder(root)
    return unavailable(end.why)
  }
  return { host, bridge: typeof bridge === 'string' ? bridge : true, stop }
}

/** Removes the engine's folder. It leaves the namespace of the host's network mounted there when it ends. */
function removeFolder(root: string): void {
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
  for (const point of points.filter((each) => each.startsWith(`${root}/`)).reverse())
    execFileSync('umount', [point], { stdio: 'pipe' })
  rmSync(root, { recursive: true, force: true })
}

/** Runs docker against an engine and gives what it prints. */
export function docker(host: string, ...args: string[]): string {
  const env = { ...process.env, DOCKER_HOST: host }
  return execFileSync('docker', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/**
 * An image with the embedded Triton as `tritonserver`, imported by `docker` or `podman`, and the settings to run it. The image holds only a script and
 * places for what the container mounts of this machine: its libraries, Python, and the installation.
 */
export async function tritonImage(
  world: World,
  engine: (...args: string[]) => string,
  name: string,
): Promise<TritonSettings> {
  const triton = await ensureEmbeddedTriton(world)
  const python = execFileSync(triton.python, ['-c', 'import sys; print(sys.base_prefix)'], {
    encoding: 'utf8',
  })
  const installation = dirname(dirname(dirname(triton.python)))
  const mounts = [...new Set(['/usr', installation, python.trim()])]
  const folder = mkdtempSync(join(tmpdir(), 'tpg-image-'))
  const [root, archive] = [join(folder, 'root'), join(folder, 'image.tar')]
  try {
    for (const place of ['models', 'tmp', 'opt/tritonserver/bin', ...mounts])
      mkdirSync(join(root, place), { recursive: true })
    // As in any image: the python backend makes a folder there, whoever it runs as.
    chmodSync(join(root, 'tmp'), 0o1777)
    // Since Debian 12 and Ubuntu 20.04 these are links into /usr.
    for (const link of ['bin', 'lib', 'lib64'].filter((entry) => lstatSync(`/${entry}`).isSymbolicLink()))
      symlinkSync(readlinkSync(`/${link}`), join(root, link))
    const script = `#!/bin/sh\nexec '${triton.binary}' '--backend-directory=${triton.backendDirectory}' "$@"\n`
    writeFileSync(join(root, 'opt/tritonserver/bin/tritonserver'), script, { mode: 0o755 })
    execFileSync('tar', ['-C', root, '-cf', archive, '.'])
    const { PATH = '', LD_LIBRARY_PATH = '' } = triton.environment
    const environment = [`PATH=/opt/tritonserver/bin:${PATH}`, `LD_LIBRARY_PATH=${LD_LIBRARY_PATH}`]
    engine('import', ...environment.flatMap((each) => ['--change', `ENV ${each}`]), archive, name)
  } finally {
    rmSync(folder, { recursive: true })
  }
  const dockerArgs = mounts.map((place) => `--volume=${place}:${place}:ro`)
  return { ...embeddedSettings, mode: 'docker', image: name, dockerArgs }
}
