import { resolve } from 'node:path'
import * as core from '@actions/core'
import { context as github } from '@actions/github'
import { type OpenedBaseline, openBaseline } from '../baseline/find.ts'
import { findConfigFile, loadConfig, warningLines } from '../config/load-config.ts'
import { asGateError, describeError, exitCodes, GateError } from '../domain/error.ts'
import type { World } from '../domain/world.ts'
import { runGate } from '../gate.ts'
import type { GateRequest } from '../gate-request.ts'
import { firstChangedLine } from '../git/changed-files.ts'
import { lastRelease, type Release } from '../git/last-release.ts'
import { childEnvironment } from '../system/child-environment.ts'
import { loadWorkerFor } from '../system/load-worker.ts'
import { createNodeWorld } from '../system/node-world.ts'
import { asCheckedOut } from './checked-out.ts'
import { chooseBaseline, hub } from './choose-baseline.ts'
import { planFor, readContext } from './context.ts'
import { withGitSettings } from './git-environment.ts'
import { overridesOf, readInputs } from './inputs.ts'
import { inertLog } from './log.ts'
import { type LineOf, type Publication, publish, publishError, publishUntouched } from './publish.ts'
import { chooseReference, type ReferenceChoice } from './reference.ts'
import { commentForRun } from './relay-comment.ts'
import { releaseBefore } from './release.ts'
import { runCommand } from './run-command.ts'
import { recordLaunches, stateName } from './safety-net.ts'
import { secretsIn } from './secrets.ts'
import { isUntouched } from './untouched.ts'

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
    const work =
      publication.plan.mode === 'comment' ? commentForRun(publication) : judgeAndPublish(publication, signal)
    return await Promise.race([work, crashed])
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
  const given: string[] = []
  const inputs = readInputs((name) => {
    const value = core.getInput(name)
    given.push(value)
    return value
  })
  for (const secret of [...secretsIn(given), inputs.githubToken ?? '']) {
    if (secret !== '') core.setSecret(secret)
  }
  const context = readContext(process.env, github.payload)
  const plan = planFor(context, inputs.mode)
  say(`mode ${plan.mode}: ${plan.why}`)
  const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd()
  const outputDirectory = resolve(workspace, inputs.outputDirectory)
  return { inputs, context, plan, workspace, outputDirectory, startedMs }
}

async function judgeAndPublish(publication: Publication, signal: AbortSignal): Promise<number> {
  const world = actionWorld(signal, publication)
  const asked = await makeRequest(world, publication)
  if (asked.status === 'untouched') {
    say(`Performance gate: pass, nothing is measured: ${asked.why}`)
    await publishUntouched(publication, asked.why)
    return exitCodes.pass
  }
  const { request } = asked
  const result = await runGate(world, request)
  if (signal.aborted) throw new GateError('interrupted', 'the gate was interrupted')
  const stored = await publish(
    publication,
    request.modelRepository,
    result,
    lineOf(world, publication, asked.reference),
  )
  const { outcome, exitCode, reasons } = result.verdict
  if (exitCode !== 0) core.setFailed(`Performance gate: ${outcome}. ${reasons[0]?.message ?? ''}`)
  else say(`Performance gate: ${outcome}`)
  return exitCode === 0 && !stored ? exitCodes.environment : exitCode
}

function actionWorld(signal: AbortSignal, { inputs, workspace }: Publication): World {
  const serverUrl = process.env.GITHUB_SERVER_URL ?? 'https://github.com'
  const world = createNodeWorld({
    run: withGitSettings(runCommand, { workspace, serverUrl, token: inputs.githubToken }),
    progress: say,
    loadWorker: loadWorkerFor(import.meta.url),
    signal,
  })
  // Models run with what the server inherits: no token, no input, no command file of the runner.
  const env = childEnvironment(process.env)
  return recordLaunches({ ...world, env }, (started) => core.saveState(stateName, JSON.stringify(started)))
}

type Asked =
  | { readonly status: 'untouched'; readonly why: string }
  | { readonly status: 'measure'; readonly request: GateRequest; readonly reference: string | null }

async function makeRequest(world: World, whole: Publication): Promise<Asked> {
  const { inputs, workspace, outputDirectory } = whole
  const file = inputs.config === null ? findConfigFile(workspace) : resolve(workspace, inputs.config)
  const config = await loadConfig({ file, overrides: overridesOf(inputs, whole.plan.mode) })
  for (const warning of warningLines(config)) core.warning(warning)
  if (config.modelRepository === null) {
    throw new GateError('usage', 'no model repository is given', {
      hint: 'set the input model-repository, or model_repository in triton-perf-gate.yml',
    })
  }
  const modelRepository = resolve(workspace, config.modelRepository)
  const publication = { ...whole, ...(await asCheckedOut(world, whole, [modelRepository, workspace])) }
  const { context, plan } = publication
  if (plan.commit !== whole.plan.commit)
    say(`commit ${plan.commit} is checked out, and judged in place of ${whole.plan.commit}`)
  const release = plan.mode === 'release' ? await findRelease(world, publication) : null
  const choice = await referenceFor(world, publication, release)
  if (choice.commit !== null && plan.mode === 'gate' && inputs.skipUntouched) {
    const input = { context, config, workspace, modelRepository, configFile: file, reference: choice.commit }
    const { untouched, why } = await isUntouched(world, input)
    if (untouched) return { status: 'untouched', why }
    say(`measuring: ${why}`)
  }
  return {
    status: 'measure',
    reference: choice.commit,
    request: {
      config,
      modelRepository,
      mode: plan.mode === 'baseline' ? 'baseline' : 'gate',
      baseline: await baselineFor(publication, release?.commit ?? choice.commit),
      // The release's own baseline ends with the release; what came after is in the newest one.
      ...(release === null ? {} : { recent: await chooseBaseline(publication, context.sha, say) }),
      reference: choice.reference,
      outputDirectory,
      resume: null,
      commit: plan.commit,
      runId: String(context.runId),
    },
  }
}

/** By GitHub's releases; a project that has none may tag its versions all the same. */
async function findRelease(
  world: World,
  { inputs, context, workspace }: Publication,
): Promise<Release | null> {
  const published = inputs.githubToken === null ? null : await publishedRelease(inputs.githubToken, context)
  const release = published ?? (await lastRelease(world, workspace))
  const none =
    'this commit grew out of no earlier release, and of no tag of a version that is in this checkout'
  say(release === null ? none : `the release before: ${release.tag}`)
  return release
}

function publishedRelease(token: string, context: Publication['context']): Promise<Release | null> {
  const { releases, runs } = hub(token, context.repository)
  return releaseBefore(releases, runs, context.sha)
}

async function referenceFor(
  world: World,
  { inputs, context, plan, workspace }: Publication,
  release: Release | null,
): Promise<ReferenceChoice> {
  if (plan.mode === 'baseline') return { reference: null, commit: null, note: 'none' }
  const choice = await chooseReference(world, context, workspace, inputs.reference, release)
  say(`reference: ${choice.note}`)
  return choice
}

/** A file where one is named, else the artifact of a run. */
async function baselineFor(publication: Publication, reference: string | null): Promise<OpenedBaseline> {
  const { inputs, workspace, plan } = publication
  if (inputs.baseline === null) return chooseBaseline(publication, reference, say)
  const opened = await openBaseline({
    status: 'file',
    path: resolve(workspace, inputs.baseline),
    source: inputs.baseline,
  })
  if (opened.status !== 'absent') return opened
  // The first run of all has nothing to carry on.
  if (plan.mode === 'baseline') return { status: 'notRequested' }
  return { ...opened, next: 'store a baseline at this path before the gate runs' }
}

/** Where a file has changed against the reference; asked only for what is annotated. */
function lineOf(world: World, { workspace }: Publication, reference: string | null): LineOf {
  return async (path) =>
    reference === null ? null : firstChangedLine(world, workspace, reference, 'HEAD', path)
}
