import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as core from '@actions/core'
import { context as github } from '@actions/github'
import { type BaselineRequest, openBaseline } from '../baseline/find.ts'
import { findConfigFile, loadConfig } from '../config/load-config.ts'
import { asGateError, describeError, exitCodes, GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { runGate } from '../gate.ts'
import type { GateRequest } from '../gate-request.ts'
import { childEnvironment } from '../system/child-environment.ts'
import { loadWorkerFor } from '../system/load-worker.ts'
import { createNodeWorld } from '../system/node-world.ts'
import { type ActionContext, type Plan, planFor, readContext } from './context.ts'
import { findBaseline } from './find-baseline.ts'
import { baselineStore } from './github.ts'
import { type Inputs, overridesOf, readInputs } from './inputs.ts'
import { inertLog } from './log.ts'
import { type Publication, publish, publishError } from './publish.ts'
import { chooseReference } from './reference.ts'
import { runCommand } from './run-command.ts'
import { recordLaunches, stateName } from './safety-net.ts'

const say = (message: string) => core.info(inertLog(message))

/**
 * The whole action. Resolves to the exit code; never rejects.
 *
 * @param crashed rejects with what was thrown where nobody could catch it, e.g. by a socket
 */
export async function runAction(signal: AbortSignal, crashed: Promise<never>): Promise<number> {
  let publication: Publication | null = null
  try {
    publication = openPublication()
    return await Promise.race([judgeAndPublish(publication, signal), crashed])
  } catch (error) {
    const gateError = asGateError(error)
    const description = describeError(gateError)
    core.setFailed(description)
    if (gateError.cause instanceof Error) say(gateError.cause.stack ?? gateError.cause.message)
    if (signal.aborted) return exitCodes.interrupted
    if (publication !== null) await publishError(publication, description)
    return gateError.exitCode
  }
}

function openPublication(): Publication {
  const startedMs = Date.now()
  const inputs = readInputs((name) => core.getInput(name))
  if (inputs.githubToken !== null) core.setSecret(inputs.githubToken)
  const context = readContext(process.env, github.payload)
  const plan = planFor(context, inputs.mode)
  say(`mode ${plan.mode}: ${plan.why}`)
  const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd()
  const outputDirectory = resolve(workspace, inputs.outputDirectory)
  return { inputs, context, plan, workspace, outputDirectory, startedMs }
}

async function judgeAndPublish(publication: Publication, signal: AbortSignal): Promise<number> {
  const world = actionWorld(signal)
  const request = await makeRequest(world, publication)
  const result = await runGate(world, request)
  if (signal.aborted) throw new GateError('interrupted', 'the gate was interrupted')
  const stored = await publish(publication, request.modelRepository, result)
  const { outcome, exitCode, reasons } = result.verdict
  if (exitCode !== 0) core.setFailed(`Performance gate: ${outcome}. ${reasons[0]?.message ?? ''}`)
  else say(`Performance gate: ${outcome}`)
  return exitCode === 0 && !stored ? exitCodes.environment : exitCode
}

function actionWorld(signal: AbortSignal): World {
  const world = createNodeWorld({
    run: runCommand,
    progress: say,
    loadWorker: loadWorkerFor(import.meta.url),
    signal,
  })
  // Models run with what the server inherits: no token, no input, no command file of the runner.
  const env = childEnvironment(process.env)
  return recordLaunches({ ...world, env }, (started) => core.saveState(stateName, JSON.stringify(started)))
}

async function makeRequest(
  world: World,
  { inputs, context, plan, workspace, outputDirectory }: Publication,
): Promise<GateRequest> {
  const file = inputs.config === null ? findConfigFile(workspace) : resolve(workspace, inputs.config)
  const config = await loadConfig({ file, overrides: overridesOf(inputs) })
  for (const warning of config.warnings) core.warning(warning)
  const modelRepository = config.modelRepository
  if (modelRepository === null) {
    throw new GateError('usage', 'no model repository is given', {
      hint: 'set the input model-repository, or model_repository in triton-perf-gate.yml',
    })
  }
  let reference: GateRequest['reference'] = null
  if (plan.mode === 'gate') {
    const choice = await chooseReference(world, context, workspace, inputs.reference)
    say(`reference: ${choice.note}`)
    reference = choice.reference
  }
  return {
    config,
    modelRepository: resolve(workspace, modelRepository),
    mode: plan.mode,
    baseline: await openBaseline(await baselineFor(inputs, context, plan, workspace)),
    reference,
    outputDirectory,
    commit: plan.commit,
    runId: String(context.runId),
  }
}

/** What to compare with; in baseline mode the one before, whose history is carried on. */
async function baselineFor(
  inputs: Inputs,
  context: ActionContext,
  plan: Plan,
  workspace: string,
): Promise<BaselineRequest> {
  if (inputs.baseline !== null) {
    const path = resolve(workspace, inputs.baseline)
    if (existsSync(path)) return { status: 'file', path, source: inputs.baseline }
    return {
      status: 'absent',
      source: inputs.baseline,
      next: 'store a baseline at this path before the gate runs',
    }
  }
  const workflowFile = inputs.baselineWorkflow ?? context.workflowFile
  const { id: repositoryId, owner, name } = context.repository
  const source = `artifact ${inputs.baselineArtifactName}`
  if (inputs.githubToken === null) {
    return { status: 'absent', source, next: 'give the input github-token, so that artifacts can be listed' }
  }
  if (workflowFile === null || plan.baselineBranch === null || repositoryId === null) {
    const why = 'the event names no workflow, branch or repository to look for it'
    return { status: 'unreadable', source, why, next: 'give the file by the input baseline' }
  }
  core.startGroup('Looking for the baseline')
  const { baseline, rejections } = await findBaseline(baselineStore(inputs.githubToken, { owner, name }), {
    workflowFile,
    branch: plan.baselineBranch,
    repositoryId,
    ownRunId: context.runId,
    artifactName: inputs.baselineArtifactName,
    makeDirectory: () => mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), 'triton-perf-gate-')),
  })
  for (const rejection of rejections) say(`passed over: ${rejection}`)
  core.endGroup()
  say(`baseline: ${baseline.status}, ${baseline.source}${'why' in baseline ? `: ${baseline.why}` : ''}`)
  // Without an earlier baseline there is no history to carry on, which is no fault of this run.
  return plan.mode === 'baseline' && baseline.status !== 'file' ? { status: 'notRequested' } : baseline
}
