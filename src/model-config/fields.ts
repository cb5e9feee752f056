import { fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { isMapping } from '../domain/mapping.ts'
import { type ModelConfig, ModelConfigSchema } from '../proto/model_config_pb.js'
import { modelConfigJson } from './parse.ts'

/**
 * A copy of `config` with further fields set: maps and messages are merged, what they do not name stays; anything else
 * replaces what was there, as Model Analyzer does it.
 */
export function withFields(config: ModelConfig, fields: JsonObject): ModelConfig {
  if (Object.keys(fields).length === 0) return config
  return fromJson(ModelConfigSchema, merged(modelConfigJson(config), fields))
}

function merged(below: JsonValue | undefined, above: JsonValue): JsonValue {
  if (!isMapping(below) || !isMapping(above)) return above
  const inner = Object.entries(above).map(([name, value]) => [
    name,
    merged(Object.hasOwn(below, name) ? below[name] : undefined, value),
  ])
  return { ...below, ...(Object.fromEntries(inner) as JsonObject) }
}
