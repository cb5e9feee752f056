import { fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'

/**
 * A copy of `config` with further fields set: maps and messages are merged, what they do not name stays; anything else
 * replaces what was there, as Model Analyzer does it.
 */
export function withFields(config: ModelConfig, fields: JsonObject): ModelConfig {
  if (Object.keys(fields).length === 0) return config
  const json = toJson(ModelConfigSchema, config, { useProtoFieldName: true })
  return fromJson(ModelConfigSchema, merged(json, fields))
}

function merged(below: JsonValue | undefined, above: JsonValue): JsonValue {
  if (!isObject(below) || !isObject(above)) return above
  const inner = Object.entries(above).map(([name, value]) => [
    name,
    merged(Object.hasOwn(below, name) ? below[name] : undefined, value),
  ])
  return { ...below, ...(Object.fromEntries(inner) as JsonObject) }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
