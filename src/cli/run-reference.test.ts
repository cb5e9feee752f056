import { expect, test } from 'vitest'
import { fakeWorld } from '../../test/support/triton-world.ts'
import { readConfig } from '../config/load-config.ts'
import { referenceFor } from './run-reference.ts'

test('none is no reference, of a release too, and any other word a commit', async () => {
  const world = fakeWorld({ PATH: '' }, () => undefined)
  const referenceOf = (reference: string) =>
    referenceFor(world, '.', '.', readConfig('', 'f.yml', { release: true }), { reference })
  expect(await referenceOf('none')).toBeNull()
  expect(await referenceOf('main')).toEqual({ kind: 'git', ref: 'main' })
})
