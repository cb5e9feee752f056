import { basename } from 'node:path'
import type { Limits } from '../domain/limits.ts'
import { conditionsOf } from './conditions.ts'
import type { Config, GateSettings, ModelSettings } from './config.ts'

/** What a configuration lets pass, as plain JSON, for these models and those that it names. */
export function limitsOf(config: Config, models: readonly string[]): Limits {
  const { gate } = config
  return {
    gated: config.models === null ? null : [...config.models],
    models: [...new Set([...models, ...(config.models ?? [])])].map((name) => {
      const settings = config.settingsFor(name)
      const { loads, constraints, tolerance, requests } = settings
      return {
        name,
        loads: [...loads],
        constraints: constraints.map(({ name: tag, metric, bound, limit }) => ({
          name: tag,
          metric,
          bound,
          limit,
        })),
        tolerance: { ...tolerance },
        checkOutputs: requests.checkOutputs,
        asked: askedOf(settings, gate),
        conditions: conditionsOf(config, name),
      }
    }),
    onInconclusive: gate.onInconclusive,
    onMissingBaseline: gate.onMissingBaseline,
    release: gate.release,
    maxFailureRatio: gate.maxFailureRatio,
    repetitions: gate.repetitions,
    screening: gate.screening,
    onCreep: gate.onCreep,
    measurementNs: gate.measurementNs,
    timeBudgetNs: gate.timeBudgetNs,
    runnerClass: gate.runnerClass,
    served: servedOf(config),
    accepted: [...gate.accepted],
  }
}

/** What serves the models, by the keys that say it: of both sides the candidate's, so that what a change of it does is not seen. */
function servedOf({ modelRepository, triton, gate }: Config): Record<string, string> {
  const { mode, image, serverPath, url, gpus } = triton
  return {
    ...(modelRepository === null ? {} : { model_repository: modelRepository }),
    'gate.triton': mode,
    triton_docker_image: image,
    triton_server_path: serverPath,
    triton_grpc_endpoint: url ?? 'none',
    gpus: gpus?.join(',') ?? 'all',
    'gate.lock_gpu_clocks': String(gate.lockGpuClocks ?? 'none'),
    'gate.lock_gpu_memory_clocks': String(gate.lockGpuMemoryClocks ?? 'none'),
  }
}

/**
 * What a model is sent, by the keys that say it, where they say something. Of files the names alone: the same file has another path in another
 * checkout, and what it holds is part of what a baseline is recognised by.
 */
function askedOf(
  { input, requests, counts, perfAnalyzerFlags }: ModelSettings,
  { engine }: Pick<GateSettings, 'engine'>,
): Record<string, string> {
  const { count, length, lengthVariation, serial } = requests.sequences
  const sources = Object.entries(input.sources).map(([name, source]) => [
    name,
    source.kind === 'file' ? { ...source, path: basename(source.path) } : source,
  ])
  const asked = {
    'gate.engine': engine === 'builtin' ? null : engine,
    shape: orNull(input.shapes),
    'input-data': input.data === 'files' ? input.files.map((path) => basename(path)) : input.data,
    'gate.inputs': orNull(Object.fromEntries(sources)),
    'string-length': input.stringLength,
    'string-data': input.stringData,
    'shared-memory': input.sharedMemory,
    streaming: requests.streaming || null,
    sequences: { count, length, lengthVariation, serial },
    'request-count': counts.requestCount,
    'warmup-request-count': counts.warmupRequestCount,
    perf_analyzer_flags: engine === 'builtin' ? null : orNull(perfAnalyzerFlags),
  }
  return Object.fromEntries(
    Object.entries(asked).flatMap(([key, value]) =>
      value === null ? [] : [[key, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  )
}

function orNull<T extends object>(values: T): T | null {
  return Object.keys(values).length === 0 ? null : values
}
