import type { Config } from '../config/config.ts'
import type { OriginMeasurement } from '../domain/attribution.ts'
import type { Environment } from '../domain/environment.ts'
import type { Invocation } from '../domain/invocation.ts'
import type { Load } from '../domain/load.ts'
import type { GitFacts, Measurements } from '../domain/measurements.ts'
import type { InputData } from '../load/read-inputs.ts'
import type { ModelPlan, Plan } from '../plan/plan.ts'
import type { ModelRepository } from '../repository/repository.ts'
import type { Launcher } from '../triton/launcher.ts'

export interface MeasureInput {
  readonly config: Config
  readonly plan: Plan
  readonly launcher: Launcher
  /** By model; the same bytes go to both sides. */
  readonly inputs: ReadonlyMap<string, InputData>
  readonly candidate: ModelRepository
  readonly reference: {
    readonly repository: ModelRepository
    readonly description: string
    readonly commit: string | null
  } | null
  /** What an earlier run left, to be gone on with; null = start afresh. */
  readonly resume: Measurements | null
  readonly commit: string | null
  /** What git knew of the configuration, recorded with the measurements. */
  readonly git: GitFacts
  /** The repository's path within git, for patches; null outside git. */
  readonly repositoryPrefix: string | null
  readonly invocation: Invocation
  /** Gets all there is after each load of each repetition, each step of a sweep, and each model. */
  readonly save: (measurements: Measurements) => void
  readonly logServer: (line: string) => void
  /** Whether what was measured so far on both sides, of one model or of those at once, is decided at look number `look`. */
  readonly isDecided: (model: Measurements, look: number) => boolean
  /** What a model that was measured on both sides got worse at; null where nothing is confirmed. */
  readonly regressionOf: (model: Measurements) => Regression | null
  /** Whether a model is worth measuring alone first, and whether that has cleared it. */
  readonly screen: {
    readonly isPromising: (model: ModelPlan, environment: Environment) => boolean
    readonly isCleared: (model: Measurements) => boolean
  }
}

interface Regression {
  /** By latency or throughput, the worst first. */
  readonly loads: readonly Load[]
  /** Whether config.pbtxt is to blame, by what was measured to explain it. */
  readonly blamesConfig: (measured: OriginMeasurement) => boolean
}
