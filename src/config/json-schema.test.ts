import { expect, test } from 'vitest'
import { configurationJsonSchema, docsTable } from './json-schema.ts'

/** Model Analyzer's profile and report keys, from its configuration reference. */
const modelAnalyzerKeys = `
config_file model_repository output_model_repository_path override_output_model_repository checkpoint_directory
export_path filename_model_inference filename_model_gpu filename_server_only inference_output_fields
gpu_output_fields server_output_fields profile_models bls_composing_models ensemble_composing_models
cpu_only_composing_models model_type batch_sizes concurrency request_rate objectives constraints latency_budget
min_throughput weighting run_config_search_mode run_config_search_disable early_exit_enable
run_config_search_min_concurrency run_config_search_max_concurrency run_config_search_min_request_rate
run_config_search_max_request_rate run_config_search_min_instance_count run_config_search_max_instance_count
run_config_search_min_model_batch_size run_config_search_max_model_batch_size
run_config_search_max_binary_search_steps run_config_profile_models_concurrently_enable
request_rate_search_enable concurrency_sweep_disable min_percentage_of_search_space
max_percentage_of_search_space optuna_min_trials optuna_max_trials optuna_early_exit_threshold
use_concurrency_formula num_configs_per_model num_top_model_configs skip_summary_reports skip_detailed_reports
monitoring_interval duration_seconds collect_cpu_metrics gpus always_report_gpu_metrics dcgm_disable
client_max_retries client_protocol reload_model_disable perf_analyzer_path perf_analyzer_timeout
perf_analyzer_cpu_util perf_analyzer_max_auto_adjusts perf_output perf_output_path perf_analyzer_flags
genai_perf_flags triton_launch_mode triton_server_path triton_install_path triton_docker_image
triton_docker_mounts triton_docker_shm_size triton_docker_labels triton_docker_args triton_http_endpoint
triton_grpc_endpoint triton_metrics_url triton_output_path triton_server_flags triton_server_environment
report_model_configs plots output_formats`
  .trim()
  .split(/\s+/)

test('knows every key of Model Analyzer and, beyond them, only the gate section', () => {
  const keys = Object.keys(configurationJsonSchema().properties ?? {})
  expect(keys.toSorted()).toEqual([...modelAnalyzerKeys, 'gate'].toSorted())
})

test('is strict JSON Schema with a description for every key', () => {
  const schema = configurationJsonSchema()
  expect(schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    additionalProperties: false,
  })
  for (const [key, node] of Object.entries(schema.properties ?? {}))
    expect(node.description, key).toBeTruthy()
  for (const [key, node] of Object.entries(schema.properties?.gate?.properties ?? {})) {
    expect(node.description, key).toBeTruthy()
  }
  expect(schema.properties?.gate?.properties?.max_failure_ratio?.default).toBe(0.001)
  expect(JSON.stringify(schema)).not.toContain('inputDefault')
})

test('the table has a row for every key and for the settings of a model', () => {
  const rows = docsTable().split('\n')
  const cells = rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  expect(new Set(cells.slice(0, -1).map(({ length }) => length))).toEqual(new Set([6]))
  const keys = cells.map(([, key]) => key)
  for (const key of [
    ...modelAnalyzerKeys,
    'gate.repetitions',
    'gate.tolerance.perf_latency_p99',
    'constraints.gpu_used_memory.max',
    'profile_models.<model>.parameters.concurrency',
    'profile_models.<model>.cpu_only',
  ]) {
    expect(keys).toContain(`\`${key}\``)
  }
  expect(rows.find((row) => row.includes('`gate.repetitions`'))).toBe(
    '| `gate.repetitions` | integer ≥ 2 | `14` | Most repetitions on each side, each with a fresh server; ends after 4 or 8 where those decide. |',
  )
})
