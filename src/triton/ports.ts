import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { ServerPorts } from './launcher.ts'

/** Ports of the loopback address that are free now. Another program may take them before they are used. */
export async function freePorts(): Promise<ServerPorts> {
  // Both are held at once, so that they differ.
  const holders = [createServer(), createServer()]
  const [grpc, metrics] = await Promise.all(
    holders.map(async (holder) => {
      holder.listen(0, '127.0.0.1')
      await once(holder, 'listening')
      return (holder.address() as AddressInfo).port
    }),
  )
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  if (grpc === undefined || metrics === undefined) throw new Error('unreachable: two ports were asked for')
  return { grpc, metrics }
}
