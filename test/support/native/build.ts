import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds one of the C files beside this one into a shared library; null, with the reason on stderr, where there is no
 * compiler. In CI that is an error: its tests must not be left out there unseen.
 */
export function buildNative(source: 'delay.c' | 'clock-steps.c', library: string): string | null {
  const flags = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-fvisibility=default']
  try {
    execFileSync('gcc', [...flags, '-o', library, join(import.meta.dirname, source)], { stdio: 'pipe' })
    return library
  } catch (error) {
    if (process.env.CI === 'true') throw error
    process.stderr.write(`SKIPPED, ${source} cannot be built: ${error}\n`)
    return null
  }
}

/** Adds a model for the backend of delay.c, which it brings along; false where that cannot be built. */
export function writeNativeModel(
  repository: string,
  name: string,
  options: { readonly delayUs: number; readonly instances: number; readonly maxBatchSize: number },
): boolean {
  mkdirSync(join(repository, name, '1'), { recursive: true })
  const batching = options.maxBatchSize > 1 ? 'dynamic_batching { }' : ''
  const config = `
backend: "delay"
max_batch_size: ${options.maxBatchSize}
input [{ name: "X", data_type: TYPE_FP32, dims: [4] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [4] }]
instance_group [{ count: ${options.instances}, kind: KIND_CPU }]
parameters { key: "delay_us" value: { string_value: "${options.delayUs}" } }
${batching}
`
  writeFileSync(join(repository, name, 'config.pbtxt'), config)
  return buildNative('delay.c', join(repository, name, 'libtriton_delay.so')) !== null
}
