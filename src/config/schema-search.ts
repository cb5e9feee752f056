import { z } from 'zod'
import { defaultRequestRate, defaultSearch } from './defaults.ts'
import { key, positiveInteger, positiveNumber } from './values.ts'

const { instanceCount, modelBatchSize, concurrency } = defaultSearch

export const searchKeys = {
  run_config_search_mode: key(
    z.enum(['quick', 'brute', 'optuna']),
    'How configurations are searched. `optuna` is run as `quick`, with a warning.',
    defaultSearch.mode,
  ),
  run_config_search_disable: key(
    z.boolean(),
    'Searches nothing: only the values listed under `model_config_parameters` are measured, if there are any.',
    false,
  ),
  run_config_search_min_concurrency: key(positiveInteger, 'Least concurrency of the sweep.', concurrency.min),
  run_config_search_max_concurrency: key(
    positiveInteger,
    'Highest concurrency of the sweep.',
    concurrency.max,
  ),
  request_rate_search_enable: key(
    z.boolean(),
    'The sweep tries request rates (open loop) in place of concurrencies, doubling within their range. So do the two keys of that range, and a listed `request_rate`, of which each is tried.',
    false,
  ),
  run_config_search_min_request_rate: key(
    positiveNumber,
    'Least request rate of the sweep, in requests per second. Excludes `concurrency` and its range.',
    defaultRequestRate.min,
  ),
  run_config_search_max_request_rate: key(
    positiveNumber,
    'Highest request rate of the sweep.',
    defaultRequestRate.max,
  ),
  run_config_search_max_binary_search_steps: key(
    z.int().nonnegative(),
    'Most measurements after the search that bisect for the capacity: of the committed configuration, and of the best. 0 = none.',
    defaultSearch.capacitySteps,
  ),
  run_config_search_min_instance_count: key(positiveInteger, 'Fewest instances tried.', instanceCount.min),
  run_config_search_max_instance_count: key(positiveInteger, 'Most instances tried.', instanceCount.max),
  run_config_search_min_model_batch_size: key(
    positiveInteger,
    'Smallest max_batch_size tried.',
    modelBatchSize.min,
  ),
  run_config_search_max_model_batch_size: key(
    positiveInteger,
    'Largest max_batch_size tried.',
    modelBatchSize.max,
  ),
}
