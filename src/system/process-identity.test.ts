import { expect, test } from 'vitest'
import { processIdentity, stateOf } from './process-identity.ts'

test.skipIf(process.platform !== 'linux')(
  'this process lives; one of the same pid but another start does not',
  () => {
    const me = processIdentity()
    expect(me).toMatch(/^[A-Za-z0-9_.-]+$/)
    expect(stateOf(me)).toBe('alive')
    expect(stateOf(me.replace(/\d+$/, '1'))).toBe('dead')
    expect(stateOf(me.replace(/\.\d+\.\d+$/, '.4194305.1'))).toBe('dead')
  },
)

test('of another machine nothing is known', () => {
  expect(stateOf('other-00000000-1.1.1')).toBe('elsewhere')
  expect(stateOf('rubbish')).toBe('elsewhere')
})
