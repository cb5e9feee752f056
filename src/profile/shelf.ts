import type { Running } from './records.ts'

/** The server of the last gated repetition, for the sweep to begin with what is loaded there. */
export interface Shelf {
  readonly put: (running: Running) => void
  readonly take: () => Running | null
  /** Stops the server, if it was not taken. */
  readonly clear: () => Promise<void>
}

export function makeShelf(): Shelf {
  let held: Running | null = null
  const take = () => {
    const running = held
    held = null
    return running
  }
  return {
    put: (running) => {
      held = running
    },
    take,
    clear: async () => {
      const running = take()
      if (running === null) return
      try {
        await running.model.detach()
      } finally {
        await running.server.close()
      }
    },
  }
}
