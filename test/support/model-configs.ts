/** Configurations as they stand in model repositories: one for each backend and habit, in the hand that wrote it. */
const written: Readonly<Record<string, string>> = {
  onnx_classifier: `# Image classifier, exported with opset 17.
name: "onnx_classifier"
platform: "onnxruntime_onnx"
max_batch_size: 32
input [
  {
    name: "images"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 224, 224 ]
  }
]
output [
  {
    name: "scores"
    data_type: TYPE_FP32
    dims: [ 1000 ]
    label_filename: "labels.txt" # one a line
  }
]
instance_group [
  {
    count: 2 # measured in March
    kind: KIND_GPU
    gpus: [ 0 ]
  }
]
dynamic_batching {
  preferred_batch_size: [ 8, 16, 32 ]
  max_queue_delay_microseconds: 100
}
optimization {
  execution_accelerators {
    gpu_execution_accelerator : [ {
      name : "tensorrt"
      parameters { key: "precision_mode" value: "FP16" }
      parameters { key: "max_workspace_size_bytes" value: "1073741824" }
    } ]
  }
}
`,
  tensorrt_plan: `name: "tensorrt_plan"
platform: "tensorrt_plan"
max_batch_size : 64
default_model_filename: "model_fp16.plan"
input { name: "x" data_type: TYPE_FP16 dims: 512 }
output { name: "y" data_type: TYPE_FP16 dims: 512 }
instance_group { kind: KIND_GPU count: 1 }
# the plan has two profiles
optimization { cuda { graphs: true } }
dynamic_batching { }
model_warmup {
  name: "full"
  batch_size: 64
  inputs { key: "x" value { data_type: TYPE_FP16 dims: 512 random_data: true } }
}
`,
  torchscript: `name: "torchscript"
backend: "pytorch"

max_batch_size: 16

input [
  { name: "INPUT__0" data_type: TYPE_INT64 dims: [ -1 ] },
  { name: "INPUT__1" data_type: TYPE_INT64 dims: [ -1 ] }
]
output [
  { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [ -1, 768 ] }
]

parameters: { key: "ENABLE_JIT_PROFILING" value: { string_value: "false" } }
parameters: {
  key: "INFERENCE_MODE"
  value: {
    string_value: "true"
  }
}

instance_group: [ { count: 4, kind: KIND_CPU } ]
`,
  python_preprocess: `name: 'python_preprocess'
backend: 'python'
max_batch_size: 0x10   # sixteen
input [ { name: "raw" data_type: TYPE_UINT8 dims: [ -1 ] } ]
output [ { name: "image" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] } ]
parameters { key: "EXECUTION_ENV_PATH" value: { string_value: "$$TRITON_MODEL_DIRECTORY/env.tar.gz" } }
instance_group [{ kind: KIND_CPU }]
`,
  tensorflow_saved: `name: "tensorflow_saved"
platform: "tensorflow_savedmodel"
max_batch_size: 128
version_policy: { specific { versions: [ 1, 3 ] } }
input [
  { name: "user_id"   data_type: TYPE_INT32  dims: [ 1 ]  reshape { shape: [ ] } },
  { name: "item_ids"  data_type: TYPE_INT32  dims: [ 100 ] }
]
output [ { name: "rank" data_type: TYPE_FP32 dims: [ 100 ] } ]
# two on each card
instance_group [
  { count: 2 kind: KIND_GPU gpus: [ 0, 1 ] }
]
dynamic_batching { max_queue_delay_microseconds: 5000 }
response_cache { enable: true }
`,
  openvino: `name: "openvino"
backend: "openvino"
max_batch_size: 8
input  [ { name: "data"  data_type: TYPE_FP32 dims: [ 1, 28, 28 ] } ]
output [ { name: "prob"  data_type: TYPE_FP32 dims: [ 10 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
parameters [
  { key: "NUM_STREAMS" value { string_value: "2" } },
  { key: "INFERENCE_NUM_THREADS" value { string_value: "4" } }
]
dynamic_batching { preferred_batch_size: 4 preferred_batch_size: 8 }
`,
  dali_decode: `name: "dali_decode"
backend: "dali"
max_batch_size: 256
input [{
    name: "encoded"
    data_type: TYPE_UINT8
    dims: [ -1 ]
    allow_ragged_batch: true
}]
output [{
    name: "decoded"
    data_type: TYPE_FP32
    dims: [ 3, 224, 224 ]
}]
parameters: [{
    key: "num_threads"
    value: { string_value: "12" }
}]
dynamic_batching {
    preserve_ordering: true
    preferred_batch_size: [ 128 ]
    default_queue_policy {
        timeout_action: REJECT
        default_timeout_microseconds: 100000
        max_queue_size: 512
    }
}
`,
  forest: `name: "forest"
backend: "fil"
max_batch_size: 8192
input [ { name: "input__0" data_type: TYPE_FP32 dims: [ 32 ] } ]
output [ { name: "output__0" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [{ kind: KIND_AUTO }]
parameters [
  { key: "model_type" value: { string_value: "xgboost_json" } },
  { key: "predict_proba" value: { string_value: "false" } },
  { key: "threshold" value: { string_value: "0.5" } }   # not "dynamic_batching { }"
]
dynamic_batching {}
`,
  priorities: `name: "priorities"
platform: "onnxruntime_onnx"
max_batch_size: 4
input [ { name: "i" data_type: TYPE_BF16 dims: [ 16 ] } ]
output [ { name: "o" data_type: TYPE_BF16 dims: [ 16 ] } ]
dynamic_batching {
  priority_levels: 2
  default_priority_level: 2
  priority_queue_policy { key: 1 value { max_queue_size: 8 } }
  max_queue_delay_microseconds: 250
}
instance_group [
  { name: "main" count: 1 kind: KIND_GPU rate_limiter { resources [ { name: "R1" count: 4 } ] priority: 2 } }
]
`,
  mixed_devices: `name: "mixed_devices" # one line of each
platform: "pytorch_libtorch"
max_batch_size: 6
input: [ { name: "a", data_type: TYPE_FP32, dims: [ 4 ], } ],
output: [ { name: "b", data_type: TYPE_FP32, dims: [ 4 ], } ],
instance_group: [ { kind: KIND_GPU, count: 1, gpus: [ 0 ] }, { kind: KIND_CPU, count: 3 } ]
`,
  llm_postprocess: `# Detokenizer
name: "llm_postprocess"
backend: "python"
max_batch_size: 64
input [
  {
    name: "TOKENS_BATCH"
    data_type: TYPE_INT32
    dims: [ -1, -1 ]
  },
  {
    name: "SKIP"
    data_type: TYPE_BOOL
    dims: [ 1 ]
    optional: true
  }
]
output [
  {
    name: "OUTPUT"
    data_type: TYPE_STRING
    dims: [ -1 ]
  }
]

parameters {
  key: "tokenizer_dir"
  value: {
    string_value: "/models/tokenizer's \\"folder\\""
  }
}

instance_group [
    {
        count: 1
        kind: KIND_CPU
    }
]
`,
  german: `name: "german"
backend: "onnxruntime"
max_batch_size: 12
# Größe für Straßenbilder – nicht ändern ohne Rücksprache
input [ { name: "bild" data_type: TYPE_FP32 dims: [ 3, 64, 64 ] } ]
output [ { name: "klasse" data_type: TYPE_FP32 dims: [ 10 ] } ]
parameters { key: "hinweis" value { string_value: "übernommen aus \\303\\244lterem Modell" } }
instance_group [ { count: 2 } ] # zwei genügen
dynamic_batching { preferred_batch_size: [ 4 ] } # vier auf einmal
`,
  bare: `name: "bare"
platform: "tensorrt_plan"
max_batch_size: 2`,
  settings_first: `dynamic_batching { preferred_batch_size: [ 2, 4 ], max_queue_delay_microseconds: 50 }
instance_group { count: 3, kind: KIND_MODEL }

max_batch_size: 4
backend: "onnxruntime"
name: "settings_first"
input { name: "x", data_type: TYPE_INT8, dims: [ 1 ] }
output { name: "y", data_type: TYPE_INT8, dims: [ 1 ] }
`,
}

/** Changes a text only where it is neither a string nor a comment. */
function inCode(text: string, change: (code: string) => string): string {
  const parts = text.split(/("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|#[^\n]*)/)
  return parts.map((part, i) => (i % 2 === 0 ? change(part) : part)).join('')
}

const hands: Readonly<Record<string, (text: string) => string>> = {
  'as written': (text) => text,
  'Windows lines and tabs': (text) =>
    text.replace(/^( {2})+/gm, (spaces) => '\t'.repeat(spaces.length / 2)).replaceAll('\n', '\r\n'),
  'angle brackets': (text) => inCode(text, (code) => code.replaceAll('{', '<').replaceAll('}', '>')),
  'separators behind numbers': (text) =>
    inCode(text, (code) => code.replace(/(: (?:\d+|KIND_\w+|TYPE_\w+))(?=[ \t]*\n)/g, '$1;')),
}

/** Every file in every hand: name, and text of a config.pbtxt. */
export const modelConfigs: readonly (readonly [string, string])[] = Object.entries(written).flatMap(
  ([name, text]) => Object.entries(hands).map(([hand, write]) => [`${name}, ${hand}`, write(text)] as const),
)
