import { join, relative } from 'node:path'
import { withAcceptedSteps } from './baseline/accepted-steps.ts'
import { matchBaseline } from './baseline/find.ts'
import { baselineFrom } from './baseline/write.ts'
import { regressionOf } from './compare/causes.ts'
import { isDecided } from './compare/compare.ts'
import { largestFamily } from './compare/judge.ts'
import { isCleared, isPromising } from './compare/screen.ts'
import type { Environment } from './domain/environment.ts'
import { GateError } from './domain/error.ts'
import type { Baseline } from './domain/measurements.ts'
import type { Result } from './domain/result.ts'
import type { World } from './domain/world.ts'
import type { GateRequest } from './gate-request.ts'
import { readGitFacts } from './git/git-facts.ts'
import { checkoutReference, repositoryRoot } from './git/reference.ts'
import { judge } from './judge.ts'
import { makePlan } from './plan/plan.ts'
import { readAllInputs } from './profile/inputs.ts'
import { type MeasureInput, measureRepository } from './profile/measure-repository.ts'
import { openOutput } from './report/output.ts'
import { checkCalledModels, withCalledModels } from './repository/calls.ts'
import { readModelRepository, selectModels } from './repository/repository.ts'
import { type Launcher, resolveTriton } from './triton/launcher.ts'

/**
 * The gate, from request to report: reads what is to be judged, measures it beside its reference, compares,
 * judges and writes the files. Everything that can be wrong with the input is found before the first server starts.
 */
export async function runGate(world: World, request: GateRequest): Promise<Result> {
  const { config } = request
  requireHistory(request)
  const output = openOutput(request.outputDirectory, request.resume === null ? 'run' : 'resume')
  const committed = await readModelRepository(request.modelRepository)
  checkCalledModels(committed, config.blsComposingModels, config.file)
  const models = selectModels(committed, config.models)
  const names = models.map(({ name }) => name)
  const candidate = await withCalledModels(committed, names, config.blsComposingModels)
  const inputs = await readAllInputs(config, candidate, models)
  const root = await repositoryRoot(world, request.modelRepository)
  const reference = await openReference(world, request, root)
  try {
    const launcher = await resolveTriton(world, config.triton)
    refuseOneServerForTwoSides(launcher, request)
    const known = request.baseline.status === 'found' ? request.baseline.baseline : null
    const git = await readGitFacts(world, {
      config,
      root,
      reference: reference?.commit ?? known?.commit ?? null,
      models: names,
    })
    const plan = makePlan(config, names, reference === null ? 1 : 2)
    const measurements = await measureRepository(world, {
      config,
      plan,
      isDecided: (model, look) =>
        isDecided({ measurements: model, config, baseline: known }, look, largestFamily(plan)),
      regressionOf: (model) =>
        regressionOf({ measurements: model, config, baseline: known }, largestFamily(plan)),
      screen: screenBy(request, reference),
      launcher,
      inputs,
      candidate,
      reference: reference && {
        ...reference,
        repository: await withCalledModels(reference.repository, names, config.blsComposingModels),
      },
      commit: request.commit,
      resume: request.resume,
      git,
      repositoryPrefix: root === null ? null : relative(root, request.modelRepository),
      save: output.saveMeasurements,
      logServer: output.logServer,
    })
    const { status, baseline } = matchBaseline(request.baseline, measurements.environment)
    const recent = recentOf(world, request, measurements.environment)
    const result = judge({
      measurements,
      baseline,
      baselineStatus: status,
      recent,
      config,
      mode: request.mode,
    })
    const next = baselineFrom(measurements, baseline, request.runId, config.gate.maxFailureRatio)
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

/** Stage 1: what the baseline's history can tell of a candidate that is measured alone. It only ever saves a reference. */
function screenBy(
  { config, baseline: opened }: GateRequest,
  reference: Reference | null,
): MeasureInput['screen'] {
  const stored = (environment: Environment) => matchBaseline(opened, environment)
  return {
    isPromising: (model, environment) => {
      const { status, baseline } = stored(environment)
      if (reference === null || config.gate.screening === 'off' || baseline === null) return false
      return status.status === 'found' && isPromising(baseline, config, model, model.looks[0] ?? 0)
    },
    isCleared: (measurements) => {
      const { status: baselineStatus, baseline } = stored(measurements.environment)
      return isCleared({ measurements, baseline, baselineStatus, config, mode: 'gate' })
    },
  }
}

/** The history up to here; without one there is no trend, which is no fault of what is judged. */
function recentOf(world: World, { recent }: GateRequest, environment: Environment): Baseline | null {
  if (recent === undefined || recent.status === 'notRequested') return null
  const { status, baseline } = matchBaseline(recent, environment)
  if (status.status === 'found') return baseline
  world.progress(`no trend since the last release: the newest baseline is ${status.status}`)
  return null
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
    return { repository, description: reference.path, commit: null, remove: () => Promise.resolve() }
  }
  const checkout = await checkoutReference(world, request.modelRepository, reference.ref)
  try {
    const repository = await readModelRepository(
      join(checkout.path, relative(root ?? checkout.path, request.modelRepository)),
    )
    const description = `${reference.ref} (${checkout.commit.slice(0, 7)})`
    return { repository, description, commit: checkout.commit, remove: checkout.remove }
  } catch (error) {
    await checkout.remove()
    throw error
  }
}
