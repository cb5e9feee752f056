import { type Command, Option } from 'commander'
import { checkConfig } from './check-config.ts'
import { compare } from './compare.ts'
import { demo } from './demo.ts'
import { history } from './history.ts'
import { measure } from './measure.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { search } from './search.ts'
import type { Shell } from './shell.ts'

/** What a command does with its flags; resolves to the exit code. */
export type Action<Options> = (shell: Shell, options: Options) => Promise<number>

/** Adds a command, without flags as yet, to the program. */
type AddCommand = <Options>(name: string, description: string, action: Action<Options>) => Command

/** All commands with their flags and examples, in the order of the help. */
export function addCommands(command: AddCommand): void {
  addRun(command)
  addSearch(command)
  addMeasure(command)
  addCompare(command)
  addReport(command)
  addHistory(command)
  addCheckConfig(command)
  addDemo(command)
}

const outputDefault = 'triton-perf-gate-out'

function addRun(command: AddCommand): void {
  withPolicies(withGate(command('run', 'the whole gate: measure, compare, sweep, judge, report', run)))
    .option('--baseline <file>', 'baseline.json of the main branch')
    .option(
      '--history <file>',
      'newer baseline.json of the main branch: the trend since what is compared with',
    )
    .option(
      '--reference <ref>',
      'git commit, branch or tag to measure beside the working tree, or none (with --release and no baseline: the newest tag of a version before HEAD)',
    )
    .option('--reference-repository <dir>', 'model repository to measure beside it, outside git')
    .addHelpText(
      'after',
      `
Examples:
  $ triton-perf-gate run --model-repository models --triton embedded --reference origin/main
  $ triton-perf-gate run --model-repository models --baseline main/baseline.json --latency-budget 10.5
  $ triton-perf-gate run --model-repository new --reference-repository old --models ocr --time-budget 90s`,
    )
}

function addSearch(command: AddCommand): void {
  withGate(command('search', 'only the sweep: the best configuration under the constraints', search), [
    'manual',
  ])
    .option('--replay <file>', 'run the search on a recorded landscape (JSON), without a server')
    .option('--max-measurements <n>', 'with --replay: budget of measurements (default: 20)')
    .option('--noise <share>', 'with --replay: relative spread of the measurements, e.g. 0.03')
    .option('--seed <n>', 'with --replay: seed of the noise')
    .addHelpText(
      'after',
      `
Examples:
  $ triton-perf-gate search --model-repository models --models text_recognition --triton embedded --latency-budget 30
  $ triton-perf-gate search --replay landscape.json --max-measurements 15 --noise 0.03 --seed 7 --json`,
    )
}

function addMeasure(command: AddCommand): void {
  withEngine(command('measure', 'measure a server that is already running; changes nothing on it', measure))
    .requiredOption('--triton-url <url>', 'the server: grpc://HOST:PORT')
    .requiredOption('--model <name>', 'the model, ready on the server')
    .option('--concurrency <list>', 'closed loop: outstanding requests, e.g. 1,2,8')
    .option('--request-rate <list>', 'open loop: requests per second, e.g. 50,100')
    .addOption(
      choice('--request-distribution <name>', 'gaps of the open loop', ['constant', 'poisson']).default(
        'constant',
      ),
    )
    .option('--batch-size <n>', 'inferences in one request', '1')
    .option('--streaming', 'ask over ModelStreamInfer; decoupled models are always asked that way')
    .option('--num-of-sequences <n>', 'live sequences at a request rate, for sequence models (default: 4)')
    .option('--sequence-length <n>', 'requests in a sequence, more or less (default: 20)')
    .option('--request-count <n>', 'exactly so many requests of each load, instead of --duration')
    .option('--warmup-request-count <n>', 'so many requests as the warm-up, instead of one second')
    .option(
      '--duration <duration>',
      'measured time of each load, after warm-up (default: until p99 is trustworthy)',
    )
    .option(
      '--interval-width <percent>',
      "trustworthy: steady, and p99's 95 % interval no wider than this",
      '20',
    )
    .option('--max-duration <duration>', 'longest measured time of each load where it is not', '20s')
    .option('--request-log <file>', 'due, sent and end time of every request, as CSV')
    .addOption(
      choice('--compatible <tool>', "print the figures by this tool's rules; --output keeps ours", [
        'perf_analyzer',
      ]),
    )
    .option('--shape <shapes...>', 'shape of a dynamic input, as INPUT:3,224,224')
    .option('--bls-composing-models <names>', 'models that its code calls, separated by commas')
    .option('--input-data <paths...>', 'random, zero, a folder of tensors, or JSON files (default: random)')
    .addOption(
      choice('--shared-memory <kind>', 'how tensors reach a server on this machine', ['none', 'system']),
    )
    .option('--output <file>', 'where measurements.json goes', 'measurements.json')
    .option('--json', 'print the measurements on stdout')
    .addHelpText(
      'after',
      `
Example:
  $ triton-perf-gate measure --triton-url grpc://localhost:8001 --model resnet --concurrency 1,2,8 --duration 5s --output out.json`,
    )
}

function addCompare(command: AddCommand): void {
  withPolicies(command('compare', 'judge measurements again, from the files', compare))
    .requiredOption('--measurements <file>', 'measurements.json')
    .option('--baseline <file>', 'baseline.json')
    .option(
      '--history <file>',
      'newer baseline.json of the main branch: the trend since what is compared with',
    )
    .option('--models <names>', 'only these models were measured, where `run` was told so')
    .option('--config <file>', 'configuration file with budgets, tolerances and policies')
    .option('--latency-budget <ms>', 'p99 latency budget in milliseconds')
    .option('--min-throughput <n>', 'least throughput in inferences per second')
    .option('--output <dir>', 'where the files go', outputDefault)
    .option('--json', 'print result.json instead of the Markdown report')
    .addHelpText(
      'after',
      '\nExample:\n  $ triton-perf-gate compare --measurements out/measurements.json --baseline main/baseline.json',
    )
}

function addReport(command: AddCommand): void {
  command('report', 'render a result.json again', report)
    .requiredOption('--result <file>', 'result.json')
    .addOption(choice('--format <format>', 'what to print', ['markdown', 'html', 'json']).default('markdown'))
    .addHelpText(
      'after',
      '\nExample:\n  $ triton-perf-gate report --result out/result.json --format html > report.html',
    )
}

function addHistory(command: AddCommand): void {
  command('history', 'the runs that a baseline carries: level, steps and trend of every metric', history)
    .requiredOption('--baseline <file>', 'baseline.json of the main branch')
    .option('--since <commit>', 'only what came after this commit, such as the last release')
    .option('--models <names>', 'only these models, separated by commas')
    .option('--json', 'print every point and step as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ triton-perf-gate history --baseline main/baseline.json --since 3f9d1c0',
    )
}

function addCheckConfig(command: AddCommand): void {
  command(
    'check-config',
    'check the configuration file and the model repository, all problems at once',
    checkConfig,
  )
    .option('--config <file>', 'configuration file (default: triton-perf-gate.yml here or in .github/)')
    .option('--model-repository <dir>', 'also check this model repository')
    .addHelpText('after', '\nExample:\n  $ triton-perf-gate check-config --model-repository models')
}

function addDemo(command: AddCommand): void {
  command('demo', 'the gate on the examples with the embedded server: baseline, harmless PR, slower PR', demo)
    .option('--output <dir>', 'where the files go', 'triton-perf-gate-demo')
    .addHelpText('after', '\nExample:\n  $ triton-perf-gate demo')
}

function withEngine(target: Command): Command {
  return target
    .addOption(
      choice('--engine <name>', 'what makes the load (default: builtin)', ['builtin', 'perf_analyzer']),
    )
    .option('--perf-analyzer-path <file>', 'with --engine perf_analyzer: the program to start')
}

function withGate(target: Command, furtherModes: readonly string[] = []): Command {
  return withEngine(target)
    .option('--model-repository <dir>', 'the model repository to judge')
    .option('--models <names>', 'only these models, separated by commas')
    .option('--config <file>', 'configuration file (default: triton-perf-gate.yml here or in .github/)')
    .addOption(
      choice('--triton <mode>', 'where the server comes from', [
        'auto',
        'embedded',
        'local',
        'docker',
        'remote',
      ]),
    )
    .option('--triton-url <url>', 'a running server: grpc://HOST:PORT')
    .option('--triton-image <image>', 'container image for --triton docker')
    .option('--time-budget <duration>', 'for the whole run, e.g. 300s or 5m (default: 300s a model)')
    .option('--latency-budget <ms>', 'p99 latency budget in milliseconds')
    .option('--min-throughput <n>', 'least throughput in inferences per second')
    .addOption(choice('-m, --mode <mode>', 'how the model is served', ['online', 'offline']))
    .addOption(
      choice('--search-mode <mode>', 'how configurations are swept', [
        'quick',
        'brute',
        'optuna',
        'off',
        ...furtherModes,
      ]),
    )
    .option('--output <dir>', 'where the files go', outputDefault)
    .option('--resume', 'go on with what an interrupted run left in --output')
    .option('--json', 'print result.json instead of the Markdown report')
}

/** What judges, beside the configuration: the same for `run` and for `compare`, which comes to the same verdict by it. */
function withPolicies(target: Command): Command {
  return target
    .addOption(choice('--on-inconclusive <policy>', 'what an inconclusive verdict does', ['warn', 'fail']))
    .addOption(
      choice('--on-missing-baseline <outcome>', 'where there is nothing to compare with', [
        'inconclusive',
        'fail',
      ]),
    )
    .option('--release', 'judge as a release: by the policies under gate.release, stricter by default')
}

function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices)
}
