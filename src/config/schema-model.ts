import type { DescMessage, JsonObject } from '@bufbuild/protobuf'
import { z } from 'zod'
import { ModelConfigSchema, ModelDynamicBatchingSchema } from '../proto/model_config_pb.js'
import {
  defaultConcurrency,
  defaultInput,
  defaultObjectives,
  defaultOutputSharedMemoryBytes,
  defaultWeighting,
} from './defaults.ts'
import {
  ignoredKeys,
  ignoredModelConfigField,
  ignoredPerfAnalyzerFlags,
  ignoredShape,
  passedPerfAnalyzerFlags,
} from './ignored-keys.ts'
import { fieldValues, readFieldValues } from './model-config-fields.ts'
import { requestFlags } from './schema-requests.ts'
import { constraints, objectives } from './schema-targets.ts'
import { key, numberList, positiveInteger, positiveNumber, scalarText } from './values.ts'

/** Name and dimensions from perf_analyzer's `NAME:3,224,224`. */
const shape = z
  .string()
  .regex(/^.+:\d+(,\d+)*$/)
  .transform((text): [string, number[]] => {
    const colon = text.lastIndexOf(':')
    return [
      text.slice(0, colon),
      text
        .slice(colon + 1)
        .split(',')
        .map(Number),
    ]
  })
  .meta({ title: 'NAME:3,224,224' })

const path = z.string().min(1)

const inputData = z
  .union([path.transform((one) => [one]), z.array(path).min(1)])
  .meta({ title: '"random", "zero", path or list of paths' })

const sharedMemory = z
  .string()
  .transform((kind, context) => {
    if (kind === 'none' || kind === 'system') return kind
    const [message, remedy] =
      kind === 'cuda'
        ? [
            'cuda is not supported: its regions are made through the CUDA runtime, which this program does not link',
            'Use system, or leave it out.',
          ]
        : [`${JSON.stringify(kind)} is not possible here`, 'Use none or system.']
    context.addIssue({ code: 'custom', message, params: { remedy } })
    return z.NEVER
  })
  .meta({ title: '"none" or "system"' })
const passed = z.union([z.boolean(), z.number(), z.string()]).meta({ title: 'string, number or boolean' })

const sslFlags = {
  'ssl-grpc-use-ssl': key(
    z.boolean(),
    'TLS to the remote server, as `grpcs://` in its address. All models are on one server: where several name one of the four keys, they must agree.',
    false,
  ),
  'ssl-grpc-root-certifications-file': key(
    path,
    'PEM file of the authorities that the server’s certificate is checked against, in place of the usual ones. Relative to the configuration file.',
  ),
  'ssl-grpc-private-key-file': key(
    path,
    'PEM file with the private key of the client, for a server that asks for it.',
  ),
  'ssl-grpc-certificate-chain-file': key(path, 'PEM file with the certificate chain of the client.'),
}

const perfAnalyzerFlags = z.strictObject({
  shape: key(
    z.union([shape.transform((one) => [one]), z.array(shape)]),
    'Shape of an input with dynamic dimensions, without the batch dimension.',
  ),
  'input-data': key(
    inputData,
    'What is sent: `random`, `zero`, a folder with one file for each input, or files in perf_analyzer’s JSON. Paths are relative to the configuration file. See docs/input-data.md.',
    defaultInput.data,
  ),
  'string-length': key(positiveInteger, 'Length of random strings.', defaultInput.stringLength),
  'string-data': key(scalarText, 'The string sent in every string input.'),
  'shared-memory': key(
    sharedMemory,
    'system: requests name regions of this machine’s shared memory instead of carrying the tensors. The server must run on this machine and see its /dev/shm.',
    'none',
  ),
  'output-shared-memory-size': key(
    positiveInteger,
    'Bytes of shared memory for an output of dynamic shape or of strings, for each inference of a request.',
    defaultOutputSharedMemoryBytes,
  ),
  'request-distribution': key(
    z.enum(['constant', 'poisson']),
    'Time between the requests of a request rate.',
    'constant',
  ),
  ...requestFlags,
  ...sslFlags,
  ...(Object.fromEntries(
    passedPerfAnalyzerFlags.map((name) => [
      name,
      key(passed, 'Goes to perf_analyzer where it is the `gate.engine`.'),
    ]),
  ) as Record<(typeof passedPerfAnalyzerFlags)[number], z.ZodOptional<typeof passed>>),
  ...ignoredShape(ignoredPerfAnalyzerFlags),
})

/** The fields of a message but for those named, each with its values. */
function fieldShape(message: DescMessage, without: readonly string[]) {
  const fields = message.fields.filter(({ name }) => !without.includes(name))
  return Object.fromEntries(
    fields.map((field) => [
      field.name,
      key(fieldValues(message, field), `Values of ${field.name} to be tried, in JSON’s words for protobuf.`),
    ]),
  )
}

/** One value or a list of values to be tried. */
const tried = <T extends z.ZodType<number, number>>(element: T) =>
  z.union([element.transform((one) => [one]), z.array(element).min(1)])

const group = z.record(z.string(), z.json()).meta({ title: 'instance group' })

/** As in Model Analyzer: a list is the groups of one configuration, a list of lists several. */
const instanceGroups = z
  .array(z.union([group, z.array(group).min(1)]))
  .min(1)
  .meta({ title: 'list of instance groups, or of such lists' })
  .transform((groups, context) => {
    const found = readFieldValues(ModelConfigSchema, ModelConfigSchema.field.instanceGroup, groups, context)
    if (found === z.NEVER) return z.NEVER
    const configurations = found as readonly (readonly JsonObject[])[]
    for (const [message, remedy] of new Map(configurations.flat().flatMap(wrongInGroup))) {
      context.addIssue({ code: 'custom', message, params: { remedy } })
    }
    return configurations
  })

function wrongInGroup({ count, kind, gpus }: JsonObject): (readonly [string, string])[] {
  const onCpu = kind === 'KIND_CPU' && Array.isArray(gpus) && gpus.length > 0
  return [
    ...(count === undefined || (typeof count === 'number' && count > 0)
      ? []
      : [[`count ${JSON.stringify(count)} is no number of instances`, 'Give 1 or more.'] as const]),
    ...(onCpu
      ? [['gpus stand beside KIND_CPU', 'Take one of the two out: Triton refuses both together.'] as const]
      : []),
  ]
}

const sweptBatching = ['preferred_batch_size', 'max_queue_delay_microseconds']

const batching = z.strictObject({
  preferred_batch_size: z
    .union([z.array(positiveInteger).transform((sizes) => [sizes]), z.array(z.array(positiveInteger)).min(1)])
    .optional(),
  max_queue_delay_microseconds: tried(z.int().nonnegative()).optional(),
  ...fieldShape(ModelDynamicBatchingSchema, sweptBatching),
})

/** They say what the model is, not how it runs: the gate would compare apples with pears. */
const identityFields = ['name', 'input', 'output', 'sequence_batching', 'ensemble_scheduling']
const ownFields = ['max_batch_size', 'instance_group', 'dynamic_batching', ...identityFields]

/** ModelConfig fields with the values to be tried. */
const modelConfigParameters = z.strictObject({
  max_batch_size: key(tried(z.int().nonnegative()), 'Values of max_batch_size to be tried.'),
  instance_group: key(
    instanceGroups,
    'Groups to be tried, as in Model Analyzer: each field of a group may be a list of values, several groups are those of one configuration, and a list of lists is several configurations. One group that says only its `count` leaves the rest as in config.pbtxt; any other is taken as it is written.',
  ),
  dynamic_batching: key(
    z.union([
      z.union([z.boolean(), batching]).transform((one) => [one]),
      z.array(z.union([z.boolean(), batching])).min(1),
    ]),
    'Settings of the dynamic batcher to be tried; false = without it.',
  ),
  ...fieldShape(ModelConfigSchema, ownFields),
  ...ignoredShape(Object.fromEntries(identityFields.map((name) => [name, ignoredModelConfigField]))),
})

/** The loads of one model or of all. */
export const loadKeys = {
  concurrency: key(
    numberList(positiveInteger),
    'Gated loads: requests kept outstanding (closed loop). `brute` and listed configurations are measured at these, too, where no `run_config_search_min/max_concurrency` asks for others.',
    defaultConcurrency,
  ),
  request_rate: key(
    numberList(positiveNumber),
    'Gated loads: requests per second (open loop, latency from the due time). Excludes `concurrency`.',
  ),
  batch_sizes: key(
    numberList(positiveInteger),
    'Inferences in one request, each at every load; the sweep tries each at every concurrency too.',
    1,
  ),
}

/** Keys that stand for all models or for one. */
export const sharedKeys = {
  objectives: key(objectives, 'What the sweep maximises.', defaultObjectives),
  constraints: key(
    constraints,
    'Limits of the committed configuration at the gated loads, and of the sweep: ms, infer/s, MB of 1e6 bytes. A model’s own replace the global ones.',
  ),
  perf_analyzer_flags: key(
    perfAnalyzerFlags,
    'What is sent, in perf_analyzer’s words. Some of its other flags are for `gate.engine: perf_analyzer`; the rest is read without effect, with a warning.',
  ),
}

export const modelEntry = z.strictObject({
  ...sharedKeys,
  parameters: key(z.strictObject(loadKeys), 'The loads of this model.'),
  model_config_parameters: key(
    modelConfigParameters,
    'Configurations to be measured instead of a search, in all combinations: any field of ModelConfig, as one value or as a list of values. A field that is itself a list needs one more level of list to be varied.',
  ),
  cpu_only: key(
    z.boolean(),
    'The sweep tries the model with instances on the CPU only (KIND_CPU), the committed configuration apart. A kind that is listed under `model_config_parameters` stands.',
    false,
  ),
  weighting: key(
    positiveNumber,
    'What the model’s gain counts beside the others’ where models are measured concurrently; the weights are divided by their sum.',
    defaultWeighting,
  ),
  ...ignoredShape({
    genai_perf_flags: ignoredKeys.genai_perf_flags,
    triton_server_flags: 'Model Analyzer never applies it for a single model either: use the global key',
    triton_server_environment: 'one server serves all models: use the global key',
    triton_docker_args: ignoredKeys.triton_docker_args,
  }),
})

/** What may stand under a name in `bls_composing_models` and `ensemble_composing_models`. */
export const composingEntry = z.strictObject({
  model_config_parameters: key(
    modelConfigParameters,
    'Values of this composing model to be tried, as under `profile_models`; what is not listed is searched.',
  ),
  cpu_only: key(
    z.boolean(),
    'The sweep gives it instances on the CPU only. A kind that is listed stands.',
    false,
  ),
  ...ignoredShape(
    Object.fromEntries(
      Object.keys(modelEntry.shape)
        .filter((name) => name !== 'model_config_parameters' && name !== 'cpu_only')
        .map((name) => [name, 'only the gated model itself is asked, measured and judged']),
    ),
  ),
})
