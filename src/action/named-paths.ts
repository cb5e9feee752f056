import { readFileSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { readYaml } from '../config/yaml-source.ts'

/** The longest path that Linux takes. */
const maxPathLength = 4096

/**
 * Where every value of the configuration file would lead if it were a path: mounts, input data, a server's files.
 * Whether something stands there does not matter, since a change may have taken it away; a word that is no path
 * leads to where nothing changes.
 *
 * @param folders what it may be relative to
 * @returns absolute paths, with what they are links to
 */
export function namedPaths(configFile: string, folders: readonly string[]): readonly string[] {
  const { value } = readYaml(readFileSync(configFile, 'utf8'), configFile)
  const paths = stringsOf(value)
    .flatMap(piecesOf)
    .filter((piece) => piece !== '' && piece.length < maxPathLength && !piece.includes('\0'))
    .flatMap((piece) => folders.map((folder) => resolve(folder, piece)))
  return [...new Set(paths.flatMap((path) => [path, ...realPathOf(path)]))]
}

/** Values, not keys; of `model_repository` none, since a change of it is told apart by model. */
function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => (key === 'model_repository' ? [] : stringsOf(each)))
}

/** The whole, since a path may hold any of these, and the parts of `host:dest:mode`, `name=value` and lists. */
function piecesOf(text: string): readonly string[] {
  return [text, ...text.split(/[:=,;]/), ...text.split(/[\s:=,;"'`()[\]{}]+/)]
}

/** Of what is not there, what its folder is a link to is not followed: git shows such a link as changed by itself. */
function realPathOf(path: string): readonly string[] {
  try {
    return [realpathSync(path)]
  } catch {
    return []
  }
}
