import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Podman with storage of the test's own, for this process and its children; the machine's own is not touched. */
export interface Podman {
  /** Runs podman and gives what it prints. */
  readonly podman: (...args: string[]) => string
  /** Removes all there is of it. */
  readonly stop: () => void
}

const names = ['CONTAINERS_CONF', 'CONTAINERS_STORAGE_CONF'] as const

/**
 * runc, since crun refuses the mixed control groups of some virtual machines; limits that a container may have
 * without CAP_SYS_RESOURCE; storage that works on any file system.
 */
const engineConf = `
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=32768:32768"]
`

/** Sets podman up, or says why that cannot be. */
export function startPodman(): Podman | { readonly unavailable: string } {
  const unavailable = (why: string) => ({ unavailable: `podman for the test: ${why}` })
  if (process.getuid?.() !== 0) return unavailable('its storage is set up for root')
  const root = mkdtempSync('/tmp/tpg-podman-')
  const [conf, storage] = [join(root, 'containers.conf'), join(root, 'storage.conf')]
  writeFileSync(conf, engineConf)
  writeFileSync(storage, `[storage]\ndriver = "vfs"\ngraphroot = "${root}/data"\nrunroot = "${root}/run"\n`)
  const before = names.map((name) => [name, process.env[name]] as const)
  process.env.CONTAINERS_CONF = conf
  process.env.CONTAINERS_STORAGE_CONF = storage
  const podman = (...args: string[]) =>
    execFileSync('podman', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  const stop = () => {
    try {
      // A container that a failed test has left keeps a mount in the folder.
      podman('rm', '--all', '--force')
    } catch {
      // There is no podman that works.
    }
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(root, { recursive: true, force: true })
  }
  try {
    podman('version')
    execFileSync('runc', ['--version'], { stdio: 'ignore' })
  } catch (error) {
    stop()
    return unavailable(String(error))
  }
  return { podman, stop }
}
