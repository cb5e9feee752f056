import { z } from 'zod'
import { defaultTolerance } from '../domain/metric.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import { defaultGate, defaultRequests, defaultSearch, defaultTriton } from './defaults.ts'
import { toleranceTags, toleranceUnits } from './metric-tags.ts'
import { acceptedSection } from './schema-accepted.ts'
import { inputsSection } from './schema-inputs.ts'
import { duration, key, positiveInteger, positiveNumber, ratio } from './values.ts'

type ToleranceTag = keyof typeof toleranceTags

const tolerated = z
  .union([
    ratio,
    z.strictObject({ relative: ratio.optional(), absolute: z.number().nonnegative().optional() }),
  ])
  .meta({ title: '"5%" or a ratio from 0 to 1, or {relative: …, absolute: …}' })

const tolerance = z.strictObject(
  Object.fromEntries(
    Object.entries(toleranceTags).map(([tag, metric]) => [
      tag,
      key(
        tolerated,
        `Tolerated change for the worse of ${tag}; absolute in ${toleranceUnits[tag as ToleranceTag].unit}.`,
        defaultTolerance[metric],
      ),
    ]),
  ) as Record<ToleranceTag, z.ZodOptional<typeof tolerated>>,
)

const onInconclusive = z.enum(['warn', 'fail'])
const onMissingBaseline = z.enum(['inconclusive', 'fail'])

/** What Model Analyzer has no words for. */
export const gateSection = z.strictObject({
  engine: key(
    z.enum(['builtin', 'perf_analyzer']),
    'What makes the load: the gate’s own generator, or NVIDIA’s perf_analyzer as a program of its own.',
    defaultGate.engine,
  ),
  repetitions: key(
    z.int().min(2),
    'Most repetitions on each side, each with a fresh server; ends after 4 or 8 where those decide.',
    defaultGate.repetitions,
  ),
  warmup_seconds: key(
    z.number().nonnegative(),
    'Load before each measurement that does not count: at least this long, and up to four times where it is not steady by then.',
    defaultGate.warmupNs / nsPerSecond,
  ),
  measurement_seconds: key(
    positiveNumber,
    'Least measured time of one load in one repetition.',
    defaultGate.measurementNs / nsPerSecond,
  ),
  block_milliseconds: key(
    positiveNumber,
    'Length of the blocks in which reference and candidate alternate.',
    defaultGate.blockNs / nsPerMs,
  ),
  time_budget: key(
    duration,
    'For the whole run; by default 300 s for each model. Each gated load is measured once in any case, and what has begun is not cut.',
  ),
  on_inconclusive: key(
    onInconclusive,
    'What an inconclusive result does to the check.',
    defaultGate.onInconclusive,
  ),
  on_missing_baseline: key(
    onMissingBaseline,
    'The outcome where there is nothing to compare with.',
    defaultGate.onMissingBaseline,
  ),
  release: key(
    z.strictObject({
      on_inconclusive: key(
        onInconclusive,
        'The same where a release is judged.',
        defaultGate.release.onInconclusive,
      ),
      on_missing_baseline: key(
        onMissingBaseline,
        'The same where a release is judged.',
        defaultGate.release.onMissingBaseline,
      ),
    }),
    'Policies of mode `release` (`--release`), which stand in place of those above.',
  ),
  accepted: key(
    acceptedSection,
    'Regressions that are expected, each reviewed as part of the configuration, with a reason and an end.',
  ),
  screening: key(
    z.enum(['history', 'off']),
    'What comes before a reference is measured. `history`: where ten runs of the main branch or more lie so close together that they can show a model unchanged, it is measured alone first, and beside its reference only if they cannot. Takes no part with models at once.',
    defaultGate.screening,
  ),
  on_creep: key(
    z.enum(['warn', 'fail']),
    'What it does to a release that the main branch’s history shows a trend for the worse since the last one. Pull requests and the main branch itself are only told.',
    defaultGate.onCreep,
  ),
  attribution: key(
    z.enum(['auto', 'off']),
    'What a confirmed regression is due to: config.pbtxt, model files, or both. `auto` measures mixes of the two sides where both changed, in the time that is left. No verdict depends on it. Takes no part with models at once.',
    defaultGate.attribution,
  ),
  max_failure_ratio: key(
    ratio,
    'Share of failed requests in any one repetition above which a scenario is invalid; a failed request is missing from the percentiles.',
    defaultGate.maxFailureRatio,
  ),
  runner_class: key(
    z.string().min(1),
    'Name of a class of equal machines; by default made from CPU model, cores and memory.',
  ),
  exclusive: key(
    z.enum(['gpu', 'host', 'off']),
    'What a run has for itself while it measures; other runs on this host wait. `gpu`: each GPU that is read. `host`: the whole host too, for machines that only run gates.',
    defaultGate.exclusive,
  ),
  exclusive_wait: key(
    duration,
    'Longest wait for another run to be done.',
    `${defaultGate.exclusiveWaitNs / (60 * nsPerSecond)}m`,
  ),
  lock_gpu_clocks: key(
    z.union([z.literal('default'), positiveInteger]).meta({ title: '"default" or MHz' }),
    'Locks the SM clocks while measuring: to this many MHz, or to the default clock that the driver names. Needs root or sudo without a password; where that is missing the run goes on unlocked, with a warning.',
  ),
  lock_gpu_memory_clocks: key(positiveInteger, 'Locks the memory clocks while measuring, in MHz.'),
  seed: key(z.int().nonnegative(), 'Seed of input data and measuring order.', defaultGate.seed),
  inputs: key(
    inputsSection,
    'Values of single inputs by model and input, before `perf_analyzer_flags.input-data`: `resnet: {IMAGE: {range: [0, 255]}}`. See docs/input-data.md.',
  ),
  check_outputs: key(
    z.enum(['off', 'given', 'first']),
    'What answers are compared with, byte by byte; one that differs is a failed request (`wrong_output`). `given`: the validation data, where there are any. `first`: the first answer to the same request; not for models whose outputs are random.',
    defaultRequests.checkOutputs,
  ),
  tolerance: key(
    tolerance,
    'Tolerated change for the worse by metric: relative, and at least the absolute part (of GPU memory, whose default absolute part is 16 MiB, the sum of both).',
  ),
  model_tolerance: key(
    z
      .record(z.string().min(1), tolerance)
      .meta({ title: 'map of model to tolerances as under gate.tolerance' }),
    'Tolerances of single models, which stand in place of the general ones metric by metric: `ocr: {perf_latency_p99: {relative: 10%, absolute: 0.2}}`.',
  ),
  mode: key(
    z.enum(['online', 'offline']),
    'How the model is served, as Model Analyzer’s `--mode`. `online`: requests of one inference; where no latency is limited, the sweep seeks throughput over p99 latency. `offline`: batches of every size up to the largest max_batch_size, from up to 8 clients, for throughput. Left out: as `online`, for throughput. See docs/sweep.md.',
  ),
  demand: key(
    z
      .union([positiveNumber, z.record(z.string().min(1), positiveNumber)])
      .meta({ title: 'number, or map of model to number' }),
    'Inferences per second that users will ask for: the report says how many GPUs (or servers) that takes, before and after.',
  ),
  search_max_measurements: key(
    positiveInteger,
    'Most measurements of the search of one model; those that bisect for its capacity come on top. Without it only the time ends `brute` and what `model_config_parameters` list.',
    defaultSearch.maxMeasurements,
  ),
  triton: key(
    z.enum(['auto', 'embedded', 'local', 'docker', 'remote']),
    'How Triton is started; goes before `triton_launch_mode`.',
    'auto',
  ),
  container_engine: key(
    z.enum(['auto', 'docker', 'podman']),
    'Command that runs the container in docker mode. `auto`: docker, or podman where only that works.',
    defaultTriton.containerEngine,
  ),
  docker_network: key(
    z.enum(['bridge', 'host']),
    'Network of the container. `bridge`: one of its own, its ports published on 127.0.0.1. `host`: this machine’s; 0.14 ms less for each request, but models reach every service of this machine that listens on 127.0.0.1.',
    defaultTriton.dockerNetwork,
  ),
  docker_user: key(
    z
      .string()
      .regex(/^[\w-]+(:[\w-]+)?$/)
      .meta({ title: 'user[:group]' }),
    'User of the server in the container, such as 1000:1000, who must be able to read the model repository. By default the user of the gate; where that is root, and with a rootless engine, that of the image, which is root in NVIDIA’s.',
  ),
  grpc_metadata: key(
    z.record(
      z.string().regex(/^(?!grpc-)[a-z0-9_.-]+(?<!-bin)$/),
      z.union([z.string().regex(/^[\x20-\x7e]+$/), z.strictObject({ env: z.string().min(1) })]),
    ),
    'Sent with every call to a remote server: a text, or `{env: NAME}` for what an environment variable holds. For restricted protocols: `triton-grpc-protocol-<key>`.',
  ),
  server_start_timeout: key(
    duration,
    'Longest wait for the server to be ready.',
    `${defaultTriton.startTimeoutNs / nsPerSecond}s`,
  ),
  model_load_timeout: key(
    duration,
    'Longest wait for a model to load.',
    `${defaultTriton.loadTimeoutNs / nsPerSecond}s`,
  ),
})
