import { expect, test } from 'vitest'
import { isEnterpriseServer } from './enterprise.ts'

test('GitHub Enterprise Server is every host that is not known to have artifacts', () => {
  const hosts = ['github.com', 'GitHub.com', 'acme.ghe.com', 'github.localhost']
  for (const host of hosts) expect(isEnterpriseServer(`https://${host}`)).toBe(false)
  expect(isEnterpriseServer(undefined)).toBe(false)
  const others = ['github.example.com', 'github.com.example', 'notgithub.com', 'ghe.com', 'notghe.com']
  for (const host of others) expect(isEnterpriseServer(`https://${host}`)).toBe(true)
})
