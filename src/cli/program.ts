import { Command, CommanderError } from 'commander'
import { exitCodes } from '../domain/error.ts'
import { tool } from '../domain/tool.ts'
import { type Action, addCommands } from './commands.ts'
import type { Shell } from './shell.ts'

const examples = `
Examples:
  $ triton-perf-gate demo
  $ triton-perf-gate run --model-repository models --triton embedded --latency-budget 10
  $ triton-perf-gate run --model-repository models --reference origin/main
  $ triton-perf-gate measure --triton-url grpc://localhost:8001 --model resnet --concurrency 1,2,8 --output out.json

Exit codes:
  0 pass (and inconclusive where the policy is warn)   1 fail
  2 usage or configuration                             3 invalid, or server, GPU or baseline trouble
  4 inconclusive where the policy is fail              130 interrupted`

/** The command line. `run` resolves to the exit code; usage errors are code 2. */
export function makeProgram(signal: AbortSignal): { run: (argv: readonly string[]) => Promise<number> } {
  const shell: Shell = {
    signal,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    cwd: process.cwd(),
  }
  let exitCode: number = exitCodes.environment
  const program = new Command('triton-perf-gate')
    .description('A CI performance-regression gate for NVIDIA Triton model repositories.')
    .version(tool.version)
    .option('--verbose', 'show stack traces of defects')
    .addHelpText('after', examples)
    .exitOverride()
    .configureOutput({ writeOut: shell.out, writeErr: shell.err })

  addCommands(<Options>(name: string, description: string, action: Action<Options>) =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .action(async (options: Options) => {
        exitCode = await action(shell, options)
      }),
  )

  return {
    run: async (argv) => {
      try {
        await program.parseAsync(argv)
        return exitCode
      } catch (error) {
        // commander has already printed what is wrong; help and version end with 0.
        if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage
        throw error
      }
    },
  }
}
