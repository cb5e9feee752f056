import { create, fromJson, type JsonObject, toJson } from '@bufbuild/protobuf'
import type { VariedFields } from '../domain/configuration.ts'
import {
  type ModelConfig,
  ModelConfigSchema,
  type ModelInstanceGroup,
  ModelInstanceGroup_Kind,
  ModelInstanceGroupSchema,
} from '../proto/model_config_pb.js'

/** The further fields of a configuration, complete: a single instance group has its count. */
export function completeFields({ fields = {}, instanceCount }: VariedFields): JsonObject {
  const { instance_group: groups, ...others } = fields as JsonObject
  if (!Array.isArray(groups)) return fields
  const [first, ...more] = groups as JsonObject[]
  const isSingle = first !== undefined && more.length === 0 && instanceCount !== null
  return { ...others, instance_group: isSingle ? [{ ...first, count: instanceCount }] : groups }
}

/** A group as JSON with the names of the .proto; what is not set is left out. */
export function groupJson(group: ModelInstanceGroup): JsonObject {
  return toJson(ModelInstanceGroupSchema, group, { useProtoFieldName: true }) as JsonObject
}

/** What a group with instances on GPUs has and one on the CPU may not have. */
const ofGpus = new Set(['gpus', 'secondary_devices', 'profile'])

/** A group as one on the CPU. */
export function groupOnCpu(group: JsonObject): JsonObject {
  const kept = Object.entries(group).filter(([name]) => !ofGpus.has(name))
  return { ...Object.fromEntries(kept), kind: 'KIND_CPU' }
}

/** The first group of a model as one on the CPU, without its count, all else as it is. */
export function firstGroupOnCpu({ instanceGroup }: ModelConfig): JsonObject {
  const [first = create(ModelInstanceGroupSchema)] = instanceGroup
  const { count: _, ...group } = groupJson(first)
  return groupOnCpu(group)
}

/** True where all instances of a model are asked for on the CPU. */
export function isOnCpu({ instanceGroup }: ModelConfig): boolean {
  return instanceGroup.length > 0 && instanceGroup.every(({ kind }) => kind === ModelInstanceGroup_Kind.CPU)
}

/**
 * True where a server made of some groups what they say. It names each, gives it the GPUs it may use where none are written, and
 * chooses the kind where that is left to it.
 */
export function isMadeOf(asked: readonly JsonObject[], resolved: ModelConfig): boolean {
  const { instanceGroup: groups } = fromJson(ModelConfigSchema, { instance_group: [...asked] })
  const made = resolved.instanceGroup
  return (
    groups.length === made.length &&
    groups.every((group, index) => {
      const found = made[index]
      if (found === undefined) return false
      const isFree = group.kind === ModelInstanceGroup_Kind.AUTO
      const [wanted, got] = [groupJson(group), groupJson(found)]
      return Object.entries({ ...wanted, count: Math.max(1, group.count) }).every(
        ([name, value]) => (name === 'kind' && isFree) || JSON.stringify(value) === JSON.stringify(got[name]),
      )
    })
  )
}
