import { equals } from '@bufbuild/protobuf'
import { instanceGroupsOf, type VariedFields, variedKey } from '../domain/configuration.ts'
import { countInWords } from '../domain/words.ts'
import { applyConfiguration } from '../model-config/configuration.ts'
import { firstGroupOnCpu, groupOnCpu, isOnCpu } from '../model-config/instance-groups.ts'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { hasGpuDevice } from '../system/host-activity.ts'
import type { ProfileContext } from './context.ts'

/** What instances may be on. */
export interface Kinds {
  /** All but the committed configuration are to be on the CPU. */
  readonly cpuOnly: boolean
  readonly hasGpu: boolean
}

/** Whether the server has any GPU: the embedded one is built without. */
export function hasGpu({ launcher, gpu }: Pick<ProfileContext, 'launcher' | 'gpu'>): boolean {
  return launcher.mode !== 'embedded' && (gpu !== null || hasGpuDevice())
}

/**
 * What is to be tried of a model beside its committed configuration, each once: on the CPU where that is asked for, and not on GPUs
 * where there are none. Groups that say what config.pbtxt says anyway are left out.
 */
export function variantsOn(
  config: ModelConfig,
  committed: VariedFields,
  variants: readonly VariedFields[],
  { cpuOnly, hasGpu: gpus }: Kinds,
): { readonly variants: readonly VariedFields[]; readonly untried: number } {
  const moves = cpuOnly && !isOnCpu(config)
  const placed = moves ? [...variants, committed].map((each) => onCpu(config, each)) : variants
  const possible = gpus ? placed : placed.filter((each) => !needsGpu(each))
  const known = new Map([[variedKey(committed), committed]])
  for (const each of possible) {
    const made = withoutNeedlessGroups(config, each)
    if (!known.has(variedKey(made))) known.set(variedKey(made), made)
  }
  return { variants: [...known.values()].slice(1), untried: placed.length - possible.length }
}

/** What the report says of them. */
export function untriedWords(model: string, untried: number): string[] {
  if (untried === 0) return []
  return [
    `${countInWords(untried, 'configuration')} of ${model} with KIND_GPU not tried, since there is no GPU`,
  ]
}

/** A kind that is listed stands, as in Model Analyzer. */
function onCpu(config: ModelConfig, fields: VariedFields): VariedFields {
  const groups = instanceGroupsOf(fields)
  if (groups.some(({ kind }) => kind !== undefined)) return fields
  const placed = groups.length === 0 ? [firstGroupOnCpu(config)] : groups.map(groupOnCpu)
  return { ...fields, fields: { ...fields.fields, instance_group: placed } }
}

function needsGpu(fields: VariedFields): boolean {
  return instanceGroupsOf(fields).some(({ kind }) => kind === 'KIND_GPU')
}

function withoutNeedlessGroups(config: ModelConfig, variant: VariedFields): VariedFields {
  const { instance_group: groups, ...others } = variant.fields ?? {}
  if (groups === undefined) return variant
  const { fields: _, ...numbers } = variant
  const without = Object.keys(others).length === 0 ? numbers : { ...numbers, fields: others }
  const made = (fields: VariedFields) =>
    withCounts(applyConfiguration(config, { ...fields, committed: false }))
  return equals(ModelConfigSchema, made(without), made(variant)) ? without : variant
}

/** One instance is made where no count is written. */
function withCounts(config: ModelConfig): ModelConfig {
  for (const group of config.instanceGroup) group.count = Math.max(1, group.count)
  return config
}
