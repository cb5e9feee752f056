import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { resolveAccepted } from './accepted.ts'
import type { GateSettings } from './config.ts'
import { defaultGate } from './defaults.ts'
import type { ConfigOverrides } from './overrides.ts'
import type { ConfigFile } from './schema.ts'

export function resolveGate({ gate = {} }: ConfigFile, overrides: ConfigOverrides): GateSettings {
  const scaled = (value: number | undefined, factor: number) =>
    value === undefined ? undefined : Math.round(value * factor)
  const release = {
    onInconclusive: gate.release?.on_inconclusive ?? defaultGate.release.onInconclusive,
    onMissingBaseline: gate.release?.on_missing_baseline ?? defaultGate.release.onMissingBaseline,
  }
  const usual = {
    onInconclusive: gate.on_inconclusive ?? defaultGate.onInconclusive,
    onMissingBaseline: gate.on_missing_baseline ?? defaultGate.onMissingBaseline,
  }
  const policies = overrides.release === true ? release : usual
  return {
    engine: overrides.engine ?? gate.engine ?? defaultGate.engine,
    repetitions: overrides.repetitions ?? gate.repetitions ?? defaultGate.repetitions,
    warmupNs: scaled(gate.warmup_seconds, nsPerSecond) ?? defaultGate.warmupNs,
    measurementNs: scaled(gate.measurement_seconds, nsPerSecond) ?? defaultGate.measurementNs,
    blockNs: scaled(gate.block_milliseconds, nsPerMs) ?? defaultGate.blockNs,
    timeBudgetNs: overrides.timeBudgetNs ?? gate.time_budget ?? defaultGate.timeBudgetNs,
    onInconclusive: overrides.onInconclusive ?? policies.onInconclusive,
    onMissingBaseline: overrides.onMissingBaseline ?? policies.onMissingBaseline,
    release,
    accepted: (gate.accepted ?? []).map(resolveAccepted),
    screening: gate.screening ?? defaultGate.screening,
    onCreep: gate.on_creep ?? defaultGate.onCreep,
    attribution: gate.attribution ?? defaultGate.attribution,
    maxFailureRatio: gate.max_failure_ratio ?? defaultGate.maxFailureRatio,
    runnerClass: overrides.runnerClass ?? gate.runner_class ?? defaultGate.runnerClass,
    exclusive: gate.exclusive ?? defaultGate.exclusive,
    exclusiveWaitNs: gate.exclusive_wait ?? defaultGate.exclusiveWaitNs,
    lockGpuClocks: gate.lock_gpu_clocks ?? defaultGate.lockGpuClocks,
    lockGpuMemoryClocks: gate.lock_gpu_memory_clocks ?? defaultGate.lockGpuMemoryClocks,
    seed: overrides.seed ?? gate.seed ?? defaultGate.seed,
  }
}
