import type { InputSettings } from '../../src/config/config.ts'
import { defaultInput } from '../../src/config/defaults.ts'
import type { InputData } from '../../src/load/read-inputs.ts'

/** Made data, for which no file is read: random strings of 8 letters and seed 1 unless said otherwise. */
export function madeInputs(changes: Partial<InputSettings> = {}): InputData {
  const settings = { ...defaultInput, stringLength: 8, seed: 1, ...changes }
  return { settings, given: null, sourceFiles: new Map(), sha256: '' }
}
