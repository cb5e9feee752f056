import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { GateSettings } from '../config/config.ts'
import { messageOf } from '../domain/error.ts'
import { nsPerSecond, type RunOutput, type World } from '../domain/world.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import type { Gpu } from './nvidia-smi.ts'

type Runner = Pick<World, 'run'>
type ClockSettings = Pick<GateSettings, 'lockGpuClocks' | 'lockGpuMemoryClocks'>

/** What became of the wish to lock clocks. */
export interface LockedClocks {
  /** By UUID, the SM clock that was locked in MHz. A GPU that is missing here runs free. */
  readonly megahertz: ReadonlyMap<string, number>
  /** What could not be locked, and why. */
  readonly warnings: readonly string[]
  /** Sets the clocks free again. Never throws; gives what could not be done, in words. */
  readonly restore: () => Promise<readonly string[]>
}

const timeoutNs = 30 * nsPerSecond

/**
 * Locks the clocks of these GPUs as the settings ask for. The file that says so is written first and removed last, so
 * that whoever comes after a kill knows what to set free. A GPU that refuses runs free, with a warning: both sides are
 * measured alike all the same, and the environment says so for a baseline.
 */
export async function lockClocks(
  world: Runner,
  gpus: readonly Pick<Gpu, 'uuid'>[],
  settings: ClockSettings,
  folder: string = tmpdir(),
): Promise<LockedClocks> {
  const megahertz = new Map<string, number>()
  const warnings: string[] = []
  const touched: string[] = []
  for (const { uuid } of gpus) {
    const wishes = await wishesFor(world, uuid, settings, warnings)
    if (wishes.length === 0) continue
    if (!canRemember(folder, uuid, wishes, warnings)) continue
    touched.push(uuid)
    const locked: Wish[] = []
    for (const wish of wishes) {
      const limits = `${wish.megahertz},${wish.megahertz}`
      const problem = problemOf(await runAsRoot(world, uuid, [`--lock-${wish.domain}-clocks=${limits}`]))
      if (problem === null) locked.push(wish)
      else warnings.push(`the ${words[wish.domain]} clocks of ${uuid} run free: ${problem}`)
    }
    if (locked.length === 0) removeState(folder, touched.pop() ?? uuid)
    else remember(folder, uuid, locked)
    for (const { domain, megahertz: value } of locked) if (domain === 'gpu') megahertz.set(uuid, value)
  }
  return {
    megahertz,
    warnings,
    restore: async () => {
      const failures: string[] = []
      for (const uuid of touched.splice(0)) failures.push(...(await free(world, folder, uuid)))
      return failures
    },
  }
}

/** The clocks that nvidia-smi can lock, as its options name them. */
const domainSchema = z.enum(['gpu', 'memory'])
type Domain = z.infer<typeof domainSchema>
const words: Readonly<Record<Domain, string>> = { gpu: 'SM', memory: 'memory' }
interface Wish {
  readonly domain: Domain
  readonly megahertz: number
}

async function wishesFor(
  world: Runner,
  uuid: string,
  { lockGpuClocks, lockGpuMemoryClocks }: ClockSettings,
  warnings: string[],
): Promise<Wish[]> {
  const wishes: Wish[] = []
  if (lockGpuMemoryClocks !== null) wishes.push({ domain: 'memory', megahertz: lockGpuMemoryClocks })
  if (lockGpuClocks === null) return wishes
  const wanted = lockGpuClocks === 'default' ? await defaultClock(world, uuid) : lockGpuClocks
  if (wanted !== null) return [...wishes, { domain: 'gpu', megahertz: wanted }]
  warnings.push(
    `the SM clocks of ${uuid} run free: the driver names no default clock; give gate.lock_gpu_clocks a number of MHz (nvidia-smi -q -d SUPPORTED_CLOCKS lists them)`,
  )
  return wishes
}

/** What could not be set free after a kill is not locked. */
function canRemember(folder: string, uuid: string, wishes: readonly Wish[], warnings: string[]): boolean {
  try {
    remember(folder, uuid, wishes)
    return true
  } catch (error) {
    warnings.push(`the clocks of ${uuid} run free: ${messageOf(error)}`)
    return false
  }
}

/** The clock that the board holds by default under any load, in MHz; null where the driver names none. */
async function defaultClock(world: Runner, uuid: string): Promise<number | null> {
  const query = ['--query-gpu=clocks.default_applications.graphics', '--format=csv,noheader,nounits']
  const { exitCode, stdout } = await world.run('nvidia-smi', [`--id=${uuid}`, ...query], { timeoutNs })
  return exitCode === 0 && /^\d+$/.test(stdout.trim()) ? Number(stdout.trim()) : null
}

/** nvidia-smi's exit code where only root may. */
const noPermission = 4

/** As this user, and where that is not permitted by sudo, if it asks for no password. */
async function runAsRoot(world: Runner, uuid: string, args: readonly string[]): Promise<RunOutput> {
  const own = [`--id=${uuid}`, ...args]
  const output = await world.run('nvidia-smi', own, { timeoutNs })
  if (output.exitCode !== noPermission) return output
  const asRoot = await world.run('sudo', ['-n', 'nvidia-smi', ...own], { timeoutNs })
  return asRoot.exitCode === 0 ? asRoot : output
}

/** In words why it did not work; null where it did. What a GPU does not support is "a warning" to nvidia-smi, exit code 0. */
function problemOf({ exitCode, stdout, timedOut }: RunOutput): string | null {
  const [first = 'no output'] = stdout.split('\n').filter((line) => line.trim() !== '')
  if (timedOut) return 'nvidia-smi does not answer'
  if (exitCode === noPermission) {
    return `${first} Run as root, or let the runner's user run nvidia-smi by sudo without a password.`
  }
  if (exitCode !== 0) return `${first} (exit code ${exitCode})`
  return /not supported/i.test(stdout) ? first : null
}

/**
 * Frees GPUs that a run has locked and then could not free, since it was killed. GPUs of runs that still live are left
 * alone. Gives what was done, or could not be, in words.
 */
export async function freeLeftClocks(world: Runner, folder: string = tmpdir()): Promise<readonly string[]> {
  const said: string[] = []
  for (const uuid of leftBehind(folder)) {
    const failures = await free(world, folder, uuid)
    said.push(
      ...(failures.length > 0
        ? failures
        : [`freed the clocks of ${uuid}, which a run that was killed had locked`]),
    )
  }
  return said
}

async function free(world: Runner, folder: string, uuid: string): Promise<readonly string[]> {
  const failures: string[] = []
  for (const domain of readState(folder, uuid)?.domains ?? domainSchema.options) {
    const problem = problemOf(await runAsRoot(world, uuid, [`--reset-${domain}-clocks`]))
    if (problem !== null)
      failures.push(`the ${words[domain]} clocks of ${uuid} may still be locked: ${problem}`)
  }
  // Kept for the next start where it failed.
  if (failures.length === 0) removeState(folder, uuid)
  return failures
}

/** What a run has locked of one GPU; the file's name says of which. */
const clockStateSchema = z.strictObject({ owner: z.string(), domains: z.array(domainSchema) })
type ClockState = z.infer<typeof clockStateSchema>

const prefix = 'triton-perf-gate-clocks-'
/** The folder is one that everyone may write to: nothing but a UUID goes from a file's name to a command. */
const uuidPattern = /^GPU-[0-9a-zA-Z-]{1,64}$/
const stateFile = (folder: string, uuid: string) => join(folder, `${prefix}${uuid}`)

/** A new file under a name that is then moved: a link that someone has put there is never written through. */
function remember(folder: string, uuid: string, wishes: readonly Wish[]): void {
  const state: ClockState = { owner: processIdentity(), domains: wishes.map(({ domain }) => domain) }
  const draft = join(folder, `.${prefix}${uuid}.${process.pid}`)
  rmSync(draft, { force: true })
  writeFileSync(draft, JSON.stringify(state), { flag: 'wx', mode: 0o644 })
  renameSync(draft, stateFile(folder, uuid))
}

/** null where there is none that can be read. */
function readState(folder: string, uuid: string): ClockState | null {
  try {
    return clockStateSchema.parse(JSON.parse(readFileSync(stateFile(folder, uuid), 'utf8')))
  } catch {
    return null
  }
}

function removeState(folder: string, uuid: string): void {
  try {
    rmSync(stateFile(folder, uuid), { force: true })
  } catch {
    // Another user's file: the next start frees once more what is free, which does no harm.
  }
}

/** GPUs whose file names no owner that lives. */
function leftBehind(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((uuid) => {
      const owner = readState(folder, uuid)?.owner
      return uuidPattern.test(uuid) && (owner === undefined || stateOf(owner) !== 'alive')
    })
}
