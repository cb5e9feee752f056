import { expect, test } from 'vitest'
import { secretsIn } from './secrets.ts'

test.each<[string, string[]]>([
  ['grpc://triton:8001', []],
  ['https://user:p%40ss-word@host/x', ['p%40ss-word', 'p@ss-word']],
  ['https://ghp_0123456789@github.com/o/r', ['ghp_0123456789']],
  ['s3://bucket/models', []],
  ['registry.example/triton:24.10', []],
  ['https://host/blob?sv=1&sig=ab%2Fcd%3D&x=1', ['ab%2Fcd%3D', 'ab/cd=']],
  ['https://host/?access_token=tttt#f', ['tttt']],
  ['two: https://a:secret-1@h and https://b:secret-2@h', ['secret-1', 'secret-2']],
  // Masking this would blot out every "x" of the log.
  ['https://user:x@host', []],
  ['https://user:%E0%A4%A@host', ['%E0%A4%A']],
])('%s', (text, secrets) => {
  expect(secretsIn([text])).toEqual(secrets)
})
