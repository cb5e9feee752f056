import type { PerfAnalyzerFlags } from '../config/config.ts'
import type { GrpcAddress } from '../domain/endpoint.ts'
import { GateError } from '../domain/error.ts'
import { batchSizeOf, type Load } from '../domain/load.ts'
import { nsPerMs } from '../domain/world.ts'
import type { Level } from './level.ts'

/** Files of one run, in its own folder. */
export const files = {
  /** A bare name: the reports of composing models get theirs by putting something in front. */
  report: 'report.csv',
  profileExport: 'profile_export.json',
  inputData: 'input_data.json',
} as const

/** perf_analyzer waits 1.2 times the interval for a window (inference_profiler.cc). */
const windowPerInterval = 1.2

/** The windows of a warm-up need not agree; perf_analyzer wants three. */
const warmup: PerfAnalyzerFlags = { 'stability-percentage': 100_000, 'max-trials': 3 }

/** The command line of one load level. */
export function perfAnalyzerArguments(level: Level): string[] {
  const { model, grpc, load, flags } = level
  const own: PerfAnalyzerFlags = {
    m: model,
    i: 'grpc',
    u: `${grpc.host}:${grpc.port}`,
    ...tlsFlags(grpc),
    ...loadFlags(load),
    b: batchSizeOf(load),
    'input-data': files.inputData,
    'measurement-interval': Math.max(1, Math.round(level.windowNs / windowPerInterval / nsPerMs)),
    f: files.report,
    'verbose-csv': true,
    'profile-export-file': files.profileExport,
    v: true,
  }
  const all = { ...own, ...flags, ...(level.anyStability ? warmup : {}) }
  // perf_analyzer refuses to be told both.
  if (all.sync === true) delete all.async
  return Object.entries(all).flatMap(([name, value]) => {
    if (value === false) return []
    // Some have a short name only.
    const flag = name.length === 1 ? `-${name}` : `--${name}`
    return value === true ? [flag] : [flag, String(value)]
  })
}

/** @throws GateError `config` for metadata: on a command line every user of the machine would read it */
function tlsFlags({ tls, certificates, metadata }: GrpcAddress): PerfAnalyzerFlags {
  if (metadata !== undefined) {
    throw new GateError('config', 'gate.grpc_metadata is not possible with gate.engine: perf_analyzer', {
      hint: 'Its command line would show the values. Measure with the gate’s own load.',
    })
  }
  const { roots = null, identity = null } = certificates ?? {}
  return {
    ...(tls ? { 'ssl-grpc-use-ssl': true } : {}),
    ...(roots === null ? {} : { 'ssl-grpc-root-certifications-file': roots.file }),
    ...(identity === null
      ? {}
      : {
          'ssl-grpc-private-key-file': identity.privateKey.file,
          'ssl-grpc-certificate-chain-file': identity.chain.file,
        }),
  }
}

/** An open loop is asynchronous, or its four threads would hold back what is due while they wait. */
function loadFlags(load: Load): PerfAnalyzerFlags {
  if (load.mode === 'concurrency') {
    return { 'concurrency-range': `${load.concurrency}:${load.concurrency}:1` }
  }
  return {
    'request-rate-range': `${load.requestRate}:${load.requestRate}:1`,
    'request-distribution': load.distribution ?? 'constant',
    async: true,
  }
}
