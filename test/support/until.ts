import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for what another process will do; the limit is generous, since it only says "never". */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 45_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`still not so after ${limitMs} ms: ${condition.toString()}`)
    await sleep(20)
  }
}
