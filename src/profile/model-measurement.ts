import { settingsOf } from '../config/conditions.ts'
import type { Configuration } from '../domain/configuration.ts'
import { GateError } from '../domain/error.ts'
import { loadKey, loadLabel } from '../domain/load.ts'
import type { ModelMeasurement, Scenario } from '../domain/scenario.ts'
import type { ModelPlan } from '../plan/plan.ts'
import { closureHash, type ModelRepository, modelClosure } from '../repository/repository.ts'
import type { PlannedRecord, SideRecord } from './records.ts'
import { failedScenario, toScenario, withAdvice } from './scenario.ts'

/** One model of a side. What keeps another of them from being measured keeps it, too. */
export function modelMeasurement(
  side: readonly PlannedRecord[],
  index: number,
  warnings: readonly string[],
  config: Parameters<typeof settingsOf>[0],
): ModelMeasurement {
  const planned = side[index]
  if (planned === undefined) throw new RangeError('a side without the model')
  const { plan, record } = planned
  const failure = record.failure ?? neighboursFailure(side)
  return {
    name: plan.name,
    contentHash: closureHash(record.repository, plan.name),
    configText: record.repository.models.get(plan.name)?.configText ?? null,
    ...otherConfigTexts(record.repository, plan.name),
    status: failure === null ? 'measured' : 'failed',
    ...(failure === null ? {} : { error: errorOf(failure) }),
    ...(plan.looks.length === 0 ? {} : { looks: plan.looks }),
    ...settingsOf(config, plan.name),
    scenarios: scenariosOf(plan, record),
    search: null,
    warnings: [...warnings, ...record.inputWarnings],
  }
}

function neighboursFailure(side: readonly PlannedRecord[]): GateError | null {
  const broken = side.find(({ record }) => record.failure !== null)
  const failure = broken?.record.failure ?? null
  if (broken === undefined || failure === null) return null
  const message = `${broken.plan.name}, which is to be under load at the same time, failed: ${failure.message}`
  return new GateError('model', message, { hint: failure.hint })
}

/** What a patch needs that changes composing models, too. */
function otherConfigTexts(
  repository: ModelRepository,
  name: string,
): Pick<ModelMeasurement, 'otherConfigTexts'> {
  const texts = modelClosure(repository, name).flatMap((each) => {
    const text = repository.models.get(each)?.configText
    return each === name || text == null ? [] : [[each, text] as const]
  })
  return texts.length === 0 ? {} : { otherConfigTexts: Object.fromEntries(texts) }
}

function errorOf(failure: GateError): { message: string; hint?: string } {
  return { message: failure.message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) }
}

/** What a side gave under each of the plan's loads; none where it never loaded. */
export function scenariosOf(plan: ModelPlan, { committed, measured, inputAdvice }: SideRecord): Scenario[] {
  if (committed === null) return []
  return plan.loads.map((load) => {
    const ofLoad = measured.get(loadKey(load))
    return ofLoad === undefined
      ? failedScenario('gate', committed, load, `${loadLabel(load)}: not measured`)
      : withAdvice(
          toScenario({ role: 'gate', configuration: committed, load, measured: [...ofLoad.values()] }),
          inputAdvice,
        )
  })
}

/** The configuration that was measured; null where the model did not load. */
export function committedOf(measurement: ModelMeasurement): Configuration | null {
  return measurement.status === 'failed' ? null : (measurement.scenarios[0]?.configuration ?? null)
}
