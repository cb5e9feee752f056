import { expect, test } from 'vitest'
import { makeAccepted, makeConfig } from '../test/support/make-measurements.ts'
import type { World } from './domain/world.ts'
import { runGate } from './gate.ts'
import type { GateRequest } from './gate-request.ts'

const unreadable = { status: 'unreadable', source: 'artifact', why: '403', next: 'run it again' } as const
const absent = { status: 'absent', source: 'artifact', next: 'measure main' } as const

/** Whatever else is asked of the world fails, since nothing may be measured. */
const world = { date: () => '2026-01-02T03:04:05Z' } as World

function run(
  recent: GateRequest['recent'],
  onCreep: 'warn' | 'fail',
  gate: Partial<GateRequest['config']['gate']> = {},
) {
  const config = makeConfig()
  return runGate(world, {
    config: { ...config, gate: { ...config.gate, onCreep, ...gate } },
    modelRepository: '/no/such/folder',
    mode: 'gate',
    baseline: { status: 'notRequested' },
    ...(recent === undefined ? {} : { recent }),
    reference: null,
    outputDirectory: '/dev/null/no',
    resume: null,
    commit: null,
    runId: null,
  })
}

test('where creep fails a release, a history that cannot be read ends the run before it measures', async () => {
  await expect(run(unreadable, 'fail')).rejects.toMatchObject({
    code: 'environment',
    message: "gate.on_creep cannot be judged: the main branch's newest baseline is unreadable",
    hint: 'run it again',
  })
})

test('an accepted regression without an end in sight ends the run before it measures', async () => {
  const accepted = [makeAccepted({ until: { kind: 'date', date: '9999-12-31' } })]
  await expect(run(undefined, 'warn', { accepted })).rejects.toMatchObject({
    code: 'config',
    problems: [{ key: 'gate.accepted.0.until' }],
  })
})

test.each([
  ['only warns', unreadable, 'warn'],
  ['has no history yet', absent, 'fail'],
  ['asks for none', undefined, 'fail'],
] as const)('one that %s goes on', async (_, recent, onCreep) => {
  await expect(run(recent, onCreep)).rejects.toThrow(/the output folder/)
})
