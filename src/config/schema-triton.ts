import { z } from 'zod'
import { defaultTriton } from './defaults.ts'
import { key, scalarText, stringList } from './values.ts'

const endpoint = z
  .string()
  .regex(/^(grpcs?:\/\/)?[^\s/:]+:\d{1,5}$/)
  .meta({ title: 'host:port, grpc://host:port or grpcs://host:port' })

export const tritonKeys = {
  triton_launch_mode: key(
    z.enum(['local', 'docker', 'remote']),
    'How Triton is started. `gate.triton` says more: it also knows `auto` and `embedded`. Model Analyzer’s `c_api` is refused: without a server there is no server to gate.',
  ),
  triton_server_path: key(z.string().min(1), 'Program started in local mode.', defaultTriton.serverPath),
  triton_docker_image: key(
    z.string().min(1),
    'Image started in docker mode; best with a digest.',
    defaultTriton.image,
  ),
  triton_docker_shm_size: key(scalarText, 'Size of /dev/shm in the container, such as 1g.'),
  triton_docker_mounts: key(z.array(z.string().min(1)), 'Further mounts of the container, host:dest:mode.'),
  triton_docker_labels: key(z.record(z.string(), scalarText), 'Labels of the container.'),
  triton_grpc_endpoint: key(endpoint, 'The server in remote mode.', defaultTriton.endpoint),
  triton_metrics_url: key(
    z.url({ protocol: /^https?$/ }),
    'Prometheus metrics of the server in remote mode; by default port 8002 of the same host.',
  ),
  triton_server_flags: key(
    z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/), scalarText),
    'Further flags of tritonserver, without the dashes before them: `log-verbose: 1`, or `log_verbose: 1`.',
  ),
  triton_server_environment: key(
    z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), scalarText),
    'Further environment variables of the server.',
  ),
  gpus: key(stringList, 'UUIDs or indices of the GPUs that the server may use; [] = none.', 'all'),
}
