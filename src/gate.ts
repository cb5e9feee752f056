import { join, relative } from 'node:path'
import { withAcceptedSteps } from './baseline/accepted-steps.ts'
import { baselineFrom } from './baseline/write.ts'
import { regressionOf } from './compare/causes.ts'
import { isDecided } from './compare/compare.ts'
import { largestFamily } from './compare/judge.ts'
import { checkEnds } from './config/accepted.ts'
import { given, measuringFlags } from './config/flags.ts'
import { configFileNames } from './config/load-config.ts'
import { GateError } from './domain/error.ts'
import type { Invocation } from './domain/invocation.ts'
import type { Result } from './domain/result.ts'
import type { World } from './domain/world.ts'
import type { GateRequest } from './gate-request.ts'
import { readGitFacts } from './git/git-facts.ts'
import { checkoutReference, repositoryRoot } from './git/reference.ts'
import { judgeAgainst } from './judge.ts'
import { makePlan } from './plan/plan.ts'
import { inputHashes, readAllInputs } from './profile/inputs.ts'
import type { MeasureInput } from './profile/measure-input.ts'
import { measureRepository } from './profile/measure-repository.ts'
import { openOutput } from './report/output.ts'
import {
  checkComposingModels,
  unneededComposingModels,
  withCalledModels,
  withoutNeedlessSearches,
} from './repository/calls.ts'
import { checkConcurrentModels } from './repository/concurrent.ts'
import { readModelRepository, selectModels } from './repository/repository.ts'
import { screenBy } from './screening.ts'
import { type Launcher, resolveTriton } from './triton/launcher.ts'

const notRequested = { status: 'notRequested' } as const

/**
 * The gate, from request to report: reads what is to be judged, measures it beside its reference, compares,
 * judges and writes the files. Everything that can be wrong with the input is found before the first server starts.
 */
export async function runGate(world: World, request: GateRequest): Promise<Result> {
  requireHistory(request)
  checkEnds(request.config, world.date())
  const output = openOutput(request.outputDirectory, request.resume === null ? 'run' : 'resume')
  const committed = await readModelRepository(request.modelRepository)
  checkComposingModels(committed, request.config)
  const models = selectModels(committed, request.config.models)
  const names = models.map(({ name }) => name)
  const candidate = await withCalledModels(committed, names, request.config.blsComposingModels)
  const config = withoutNeedlessSearches(request.config, candidate)
  checkConcurrentModels(config, candidate, models)
  const inputs = await readAllInputs(config, candidate, models)
  const root = await repositoryRoot(world, request.modelRepository)
  const reference = await openReference(world, request, root)
  try {
    const launcher = await resolveTriton(world, config.triton)
    refuseOneServerForTwoSides(launcher, request)
    const checkout = reference?.root ?? null
    const known = request.baseline.status === 'found' ? request.baseline.baseline : null
    const git = await readGitFacts(world, {
      config,
      root,
      reference: reference?.commit ?? known?.commit ?? null,
      models: names,
      // Both sides are sent the candidate's.
      inputHashes:
        root === null || checkout === null
          ? null
          : (theirs) => inputHashes(theirs, names, { root, checkout }),
    })
    const plan = makePlan(config, names, reference === null ? 1 : 2)
    const beside = reference && {
      ...reference,
      repository: await withCalledModels(reference.repository, names, config.blsComposingModels),
    }
    const unneeded = unneededComposingModels(candidate, names, config.composingModelsNamed)
    const measurements = await measureRepository(world, {
      config: { ...config, warnings: [...config.warnings, ...unneeded] },
      plan,
      isDecided: (model, look) =>
        isDecided({ measurements: model, config, baseline: known }, look, largestFamily(plan)),
      regressionOf: (model) =>
        regressionOf({ measurements: model, config, baseline: known }, largestFamily(plan)),
      screen: screenBy(request, beside?.repository ?? null),
      launcher,
      inputs,
      candidate,
      reference: beside,
      commit: request.commit,
      resume: request.resume,
      git,
      repositoryPrefix: root === null ? null : relative(root, request.modelRepository),
      invocation: invocationOf(request),
      save: output.saveMeasurements,
      logServer: output.logServer,
    })
    world.progress('judging what was measured, and writing the reports')
    const opened = { baseline: request.baseline, recent: request.recent ?? notRequested }
    const result = judgeAgainst({ measurements, config, mode: request.mode }, opened)
    const next = baselineFrom(measurements, known, request.runId, config.gate.maxFailureRatio)
    if (next.status === 'refused') world.progress(`no baseline.json is written: ${next.why}`)
    output.writeResult(
      result,
      next.status === 'written' ? withAcceptedSteps(next.baseline, measurements, config) : null,
    )
    world.progress(`${result.verdict.outcome}; reports in ${output.directory}`)
    return result
  } finally {
    await reference?.remove()
  }
}

/** How this is done again, from the folder in which it was done. */
function invocationOf({ command = 'run', config, ...request }: GateRequest): Invocation {
  const here = (path: string) => relative('', path) || '.'
  const file = config.file === null ? null : here(config.file)
  const paths = given([
    ['--model-repository', here(request.modelRepository)],
    ['--config', file === null || configFileNames.includes(file) ? null : file],
  ])
  const output = here(request.outputDirectory)
  return { command, flags: [...paths, ...measuringFlags(config.overrides)], output }
}

/** Where creep is to fail a release, a history that is there and cannot be used must not pass for one without creep. */
function requireHistory({ config, recent }: GateRequest): void {
  if (config.gate.onCreep !== 'fail' || recent === undefined) return
  if (!('next' in recent) || recent.status === 'absent') return
  const why = `the main branch's newest baseline is ${recent.status}`
  throw new GateError('environment', `gate.on_creep cannot be judged: ${why}`, { hint: recent.next })
}

/** A remote server serves one repository: measured as both sides it would compare itself with itself, and pass. */
function refuseOneServerForTwoSides(launcher: Launcher, request: GateRequest): void {
  if (launcher.mode !== 'remote' || request.reference === null) return
  throw new GateError('usage', 'a reference cannot be measured on a remote server', {
    hint: 'Compare with a baseline (--baseline), or start the server here (--triton docker, local or embedded).',
  })
}

interface Reference extends NonNullable<MeasureInput['reference']> {
  /** The root of its checkout; null where it is a folder of its own. */
  readonly root: string | null
  readonly remove: () => Promise<void>
}

/** The model repository to measure beside the candidate's: a folder, or the same folder at another commit. */
async function openReference(
  world: World,
  request: GateRequest,
  root: string | null,
): Promise<Reference | null> {
  const { reference } = request
  if (reference === null) return null
  if (reference.kind === 'repository') {
    const repository = await readModelRepository(reference.path)
    const none = { root: null, commit: null, remove: () => Promise.resolve() }
    return { repository, description: reference.path, ...none }
  }
  const checkout = await checkoutReference(world, request.modelRepository, reference.ref)
  try {
    const repository = await readModelRepository(
      join(checkout.path, relative(root ?? checkout.path, request.modelRepository)),
    )
    const description = `${reference.ref} (${checkout.commit.slice(0, 7)})`
    return {
      repository,
      description,
      root: checkout.path,
      commit: checkout.commit,
      remove: checkout.remove,
    }
  } catch (error) {
    await checkout.remove()
    throw error
  }
}
