import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { GateError, messageOf } from '../domain/error.ts'
import { DataType, type ModelConfig } from '../proto/model_config_pb.js'
import { removeLeftover } from '../system/leftover.ts'
import { processIdentity, stateOf } from '../system/process-identity.ts'
import { datatypeOf } from './datatypes.ts'
import { product } from './encode-given.ts'
import type { Step } from './inputs.ts'
import type { SharedOutputs } from './protocol.ts'
import type { InferRequest } from './request.ts'

/** Where shm_open() of glibc and musl keeps its objects. */
const folder = '/dev/shm'
const prefix = 'triton-perf-gate-shm.'

/** A line of every cache: neighbouring tensors are written by different threads of the server. */
const alignment = 64

/** System shared memory that holds the tensors of all requests to a target. */
export interface SharedRegion {
  /** Under which it is registered; with a slash before it, the key of shm_open(). */
  readonly name: string
  readonly byteSize: number
  /** The requests of the steps, in their order; they carry places in the region instead of tensors. */
  readonly requests: readonly InferRequest[]
  /** Where the region lies as a file. */
  readonly path: string
  /** Where the outputs of the requests are. */
  readonly outputs: SharedOutputs
  readonly remove: () => void
}

let count = 0

/**
 * Makes a region with the inputs of all steps and, for each step, a slot for each output. Two requests with one step
 * write the same answer to the same slot, so that the slot can be compared with what is expected whichever was last.
 * An output of dynamic shape or of strings gets `outputBytes` for each inference.
 *
 * @throws GateError `environment` where there is not that much shared memory
 */
export function createRegion(
  config: ModelConfig,
  steps: readonly Step[],
  batchSize: number,
  outputBytes: number,
): SharedRegion {
  const name = `${prefix}${processIdentity()}.${++count}`
  const path = join(folder, name)
  let end = 0
  const place = (byteSize: number) => {
    const offset = end
    end = Math.ceil((offset + byteSize) / alignment) * alignment
    return { region: name, offset, byteSize }
  }
  const contents: { readonly offset: number; readonly data: Uint8Array }[] = []
  const requests = steps.map(({ inputs }) => ({
    model: config.name,
    inputs: inputs.map(({ data, ...tensor }) => {
      const sharedMemory = place(data.length)
      contents.push({ offset: sharedMemory.offset, data })
      return { ...tensor, sharedMemory }
    }),
    outputs: config.output.map((output) => ({
      name: output.name,
      sharedMemory: place(outputSize(output, batchSize, outputBytes)),
    })),
  }))
  fill(path, end, contents)
  const slots = requests.map(({ outputs }) =>
    outputs.map(({ name: output, sharedMemory: { offset, byteSize } }, index) => {
      return { name: output, offset, byteSize, elementBytes: elementBytes(config.output[index]?.dataType) }
    }),
  )
  return {
    name,
    path,
    byteSize: end,
    requests,
    outputs: { path, slots },
    remove: () => rmSync(path, { force: true }),
  }
}

/** null for strings. */
function elementBytes(type: DataType = DataType.TYPE_INVALID): number | null {
  const datatype = datatypeOf(type)
  return datatype === null || datatype.kind === 'bytes' ? null : datatype.bytes
}

/** Removes regions of processes that were killed before they could. Returns how many. */
export function removeStaleRegions(): number {
  const stale = namesIn(folder).filter((name) => {
    const owner = name.startsWith(prefix) ? /^(.+)\.\d+$/.exec(name.slice(prefix.length))?.[1] : undefined
    return owner !== undefined && stateOf(owner) === 'dead'
  })
  for (const name of stale) removeLeftover(join(folder, name))
  return stale.length
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function outputSize(output: ModelConfig['output'][number], batchSize: number, outputBytes: number): number {
  const datatype = datatypeOf(output.dataType)
  const dims = output.dims.map(Number)
  if (datatype === null || datatype.kind === 'bytes' || dims.includes(-1)) return outputBytes * batchSize
  return product(dims) * datatype.bytes * (output.isShapeTensor ? 1 : batchSize)
}

/** Every byte is written: a page that the machine cannot give would else end the server that touches it. */
function fill(path: string, bytes: number, contents: readonly { offset: number; data: Uint8Array }[]): void {
  let file: number | null = null
  try {
    // Before the first byte: to find out by writing would take all memory of the machine for a while.
    const { bavail, bsize } = statfsSync(folder)
    if (bytes > bavail * bsize) throw new Error(`${folder} has ${bavail * bsize} bytes free`)
    file = openSync(path, 'wx', 0o600)
    const zeros = Buffer.alloc(1024 * 1024)
    for (let at = 0; at < bytes; ) at += writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at)
    for (const { offset, data } of contents) {
      for (let done = 0; done < data.length; )
        done += writeSync(file, data, done, data.length - done, offset + done)
    }
  } catch (error) {
    if (file !== null) rmSync(path, { force: true })
    throw new GateError('environment', `${bytes} bytes of shared memory cannot be had: ${messageOf(error)}`, {
      hint: `Make ${folder} larger (in a container: --shm-size), give fewer steps of data, lower output-shared-memory-size, or leave shared-memory out.`,
      cause: error,
    })
  } finally {
    if (file !== null) closeSync(file)
  }
}
