import { z } from 'zod'

const ownReports = 'the gate writes its own reports (Markdown, HTML, CSV, JSON) into one folder'
const noCheckpoints = 'measurements are kept in measurements.json as they are made: use --resume'
const noSearchStep = 'the sweep is bounded by gate.search_max_measurements and the time budget'
const lastWords = 'perf_analyzer’s last words are in the report where a run of it failed'
const noFiles = 'configurations are tried through Triton’s load request; no repository is written'
const ofOneModel = 'it stands under each model of profile_models'
const noLlm = 'generative models are measured as any other: no token metrics'

/** Keys of Model Analyzer that are read without effect, each with the reason and what to use instead. */
export const ignoredKeys = {
  config_file: 'name the file by --config',
  output_model_repository_path: noFiles,
  override_output_model_repository: noFiles,
  checkpoint_directory: noCheckpoints,
  export_path: 'name the folder by --output',
  filename_model_inference: ownReports,
  filename_model_gpu: ownReports,
  filename_server_only: ownReports,
  inference_output_fields: ownReports,
  gpu_output_fields: ownReports,
  server_output_fields: ownReports,
  model_type: noLlm,
  genai_perf_flags: noLlm,
  weighting: ofOneModel,
  early_exit_enable: noSearchStep,
  concurrency_sweep_disable: noSearchStep,
  min_percentage_of_search_space: noSearchStep,
  max_percentage_of_search_space: noSearchStep,
  optuna_min_trials: noSearchStep,
  optuna_max_trials: noSearchStep,
  optuna_early_exit_threshold: noSearchStep,
  use_concurrency_formula: noSearchStep,
  num_configs_per_model: ownReports,
  num_top_model_configs: ownReports,
  skip_summary_reports: ownReports,
  skip_detailed_reports: ownReports,
  monitoring_interval: 'GPU memory is sampled at the gate’s own interval',
  duration_seconds: 'use gate.measurement_seconds',
  collect_cpu_metrics: 'the memory of the server’s processes is always measured',
  always_report_gpu_metrics: 'GPU metrics are reported wherever there is a GPU',
  dcgm_disable: 'GPU metrics come from nvidia-smi, without DCGM',
  client_max_retries: 'use gate.server_start_timeout and gate.model_load_timeout',
  client_protocol: 'the gate measures over gRPC',
  reload_model_disable: 'a repetition needs a fresh load',
  perf_analyzer_cpu_util: 'perf_analyzer’s own measure of its overhead is judged instead',
  perf_analyzer_max_auto_adjusts:
    'a repetition that was not stable is measured again, with the same settings',
  perf_output: lastWords,
  perf_output_path: lastWords,
  triton_install_path: 'only c_api mode needs it, which is not supported: use triton_server_path',
  triton_docker_args:
    'these are arguments of a Python library: use triton_docker_shm_size, triton_docker_mounts or triton_docker_labels',
  triton_http_endpoint: 'the gate speaks gRPC: use triton_grpc_endpoint',
  triton_output_path: 'the server’s log is in the output folder',
  report_model_configs: ownReports,
  plots: ownReports,
  output_formats: ownReports,
} as const

/** Why a field of ModelConfig under `model_config_parameters` is not swept. */
export const ignoredModelConfigField = 'it says what the model is, not how it is run: change config.pbtxt'

const unsupported = 'not supported by the gate’s load generator'
const header = 'use gate.grpc_metadata'
const loads = 'use concurrency or request_rate, and batch_sizes'
const server = 'the gate knows the server it has started: use the triton keys'

/** perf_analyzer's flags that Model Analyzer passes on and the gate does not follow. */
export const ignoredPerfAnalyzerFlags: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    [loads]: 'concurrency-range request-rate-range batch-size binary-search latency-threshold',
    [server]:
      'url protocol service-kind model-name model-version model-repository triton-server-directory collect-metrics metrics-url metrics-interval verbose extra-verbose verbose-csv latency-report-file',
    [header]: 'http-header',
    [unsupported]:
      'request-intervals model-signature-name ssl-https-verify-peer ssl-https-verify-host ssl-https-ca-certificates-file ssl-https-client-certificate-type ssl-https-client-certificate-file ssl-https-private-key-type ssl-https-private-key-file',
  }).flatMap(([why, flags]) => flags.split(' ').map((flag) => [flag, why])),
)

/** perf_analyzer's flags that it is given as they are where it is the engine; the gate's own load has other keys for them. */
export const passedPerfAnalyzerFlags = [
  'measurement-interval',
  'measurement-mode',
  'measurement-request-count',
  'stability-percentage',
  'max-trials',
  'percentile',
  'async',
  'sync',
  'max-threads',
  'grpc-compression-algorithm',
  'bls-composing-models',
] as const

const noEffect = 'No effect: '

/** Why a key has no effect, from its description in the schema. */
export function ignoredReason(description: string): string {
  return description.slice(noEffect.length).replace(/\.$/, '')
}

/** Accepts the keys of such a table with any value. The type says nothing of them: nobody is to read them. */
export function ignoredShape(
  table: Readonly<Record<string, string>>,
): Record<never, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(
    Object.entries(table).map(([name, why]) => [
      name,
      z
        .unknown()
        .optional()
        .meta({ description: `${noEffect}${why}.`, deprecated: true }),
    ]),
  )
}
