import { countInWords } from '../domain/words.ts'

/** What came of the measurements of one place. */
export interface Standing {
  /** Measurements that met all limits. */
  readonly held: number
  /** Those without numbers. */
  readonly failed: number
  readonly tries: number
}

/** @param outcomes of each measurement whether it met all limits; null where it failed */
export function standingOf(outcomes: readonly (boolean | null)[]): Standing {
  return {
    held: outcomes.filter((isHeld) => isHeld === true).length,
    failed: outcomes.filter((isHeld) => isHeld === null).length,
    tries: outcomes.length,
  }
}

/** Whether it met its limits in some of its measurements and not in all. */
function isUnsteady({ held, tries }: Standing): boolean {
  return held > 0 && held < tries
}

/** `in 1 of 2 measurements, and failed in 1` */
export function standingWords({ held, failed, tries }: Standing): string {
  const often = `in ${held} of ${countInWords(tries, 'measurement')}`
  return failed === 0 ? often : `${often}, and failed in ${failed}`
}

/** Of several standings that of the place which held most often, the first of those; null where none is unsteady. */
export function mostHeld<Own extends { readonly standing: Standing }>(places: readonly Own[]): Own | null {
  const share = ({ standing }: Own) => standing.held / standing.tries
  return places
    .filter(({ standing }) => isUnsteady(standing))
    .reduce<Own | null>((top, each) => (top === null || share(each) > share(top) ? each : top), null)
}
