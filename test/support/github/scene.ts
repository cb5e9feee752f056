import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeRepository, type TestRepository } from './repository.ts'
import { runStep, type StepOptions, type StepResult } from './runner.ts'
import { type LoopbackGitHub, startGitHub } from './server.ts'
import { repositoryId } from './state.ts'

/** A GitHub, and a checkout with one model, whose branch `docs` touches none, for steps that measure nothing. */
export interface ActionScene {
  /** A folder of its own; what is in it goes with the scene. */
  readonly root: string
  readonly github: LoopbackGitHub
  readonly repository: TestRepository
  /** That of the branch `main`. */
  readonly mainCommit: string
  /** Runs the action on a push to `main`, but for what is given. */
  readonly step: (change: Partial<StepOptions>) => Promise<StepResult>
  /** Runs it on pull request 7, of this branch into `main`. */
  readonly pullRequest: (branch: string, change?: Partial<StepOptions>) => Promise<StepResult>
  readonly close: () => Promise<void>
}

/** As GitHub tells of the repository in an event. */
export const payloadRepository = {
  id: repositoryId,
  name: 'r',
  default_branch: 'main',
  owner: { login: 'o' },
}

/** The head of pull request 7. */
export const headSha = 'b'.repeat(40)

export async function openActionScene(): Promise<ActionScene> {
  const root = mkdtempSync(join(tmpdir(), 'tpg-scene-'))
  const github = await startGitHub()
  const repository = makeRepository(join(root, 'checkout'))
  const mainCommit = repository.commit('main', {
    'models/m/config.pbtxt': 'name: "m"\nbackend: "python"\n',
    'models/m/1/model.py': 'pass',
    'triton-perf-gate.yml': 'model_repository: models\ngate:\n  triton: embedded\n',
    'README.md': 'a',
  })
  repository.branch('docs', 'main')
  repository.commit('say more', { 'README.md': 'b', 'app/main.py': 'pass' })
  const step = (change: Partial<StepOptions>) => {
    if (change.sha === undefined) repository.checkout('main')
    const dist = process.env.TRITON_PERF_GATE_DIST
    return runStep({
      github,
      workspace: repository.directory,
      eventName: 'push',
      ref: 'refs/heads/main',
      sha: mainCommit,
      runId: 200,
      payload: { repository: payloadRepository },
      inputs: {},
      ...(dist === undefined ? {} : { dist }),
      ...change,
    })
  }
  const pull_request = {
    number: 7,
    head: { sha: headSha, ref: 'docs', repo: { id: repositoryId } },
    base: { sha: mainCommit, ref: 'main' },
  }
  const pullPayload = { repository: payloadRepository, pull_request }
  return {
    root,
    github,
    repository,
    mainCommit,
    step,
    pullRequest: (branch, change = {}) => {
      const sha = repository.testMerge(branch)
      return step({
        eventName: 'pull_request',
        ref: 'refs/pull/7/merge',
        sha,
        payload: pullPayload,
        ...change,
      })
    },
    close: async () => {
      await github.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
