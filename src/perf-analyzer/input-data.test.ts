import { expect, test } from 'vitest'
import { inputDataJson } from './input-data.ts'

const step = (value: number) => [{ name: 'X', shape: [1], data: Uint8Array.of(value) }]
const tensor = (b64: string) => ({ X: { content: { b64 }, shape: [1] } })

test('steps in turn, or in streams of their own lengths', () => {
  const steps = [step(0), step(1), step(2)]
  expect(JSON.parse(inputDataJson(steps))).toEqual({
    data: [tensor('AA=='), tensor('AQ=='), tensor('Ag==')],
  })
  expect(JSON.parse(inputDataJson(steps, [1, 2]))).toEqual({
    data: [[tensor('AA==')], [tensor('AQ=='), tensor('Ag==')]],
  })
})
