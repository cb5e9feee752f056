import { expect, test } from 'vitest'
import { environmentSchema } from '../domain/environment.ts'
import { describeHost, prettyName } from './environment.ts'

test('the host fits the schema of the files and names its class itself', () => {
  const host = environmentSchema.unwrap().shape.host.parse(describeHost(null))
  expect(host.runnerClass).toContain(`${host.cpuCount} cores`)
  expect(host.runnerClass).toContain(host.cpuModel)
})

test('a configured runner class is taken as it is', () => {
  expect(describeHost('l4-pool').runnerClass).toBe('l4-pool')
})

test('PRETTY_NAME with and without quotes', () => {
  expect(prettyName('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')).toBe(
    'Debian GNU/Linux 12 (bookworm)',
  )
  expect(prettyName('PRETTY_NAME=Arch\n')).toBe('Arch')
  expect(prettyName('NAME=x\n')).toBeNull()
})
