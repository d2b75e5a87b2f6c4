import type { z } from 'zod'
import { showFound } from '../config-error.ts'
import { maskUserinfo } from '../credentials.ts'
import { type FileIssue, formatPath, type Path, type YamlSource } from './yaml-source.ts'

type ZodIssue = z.core.$ZodIssue

/**
 * Issues of the file's schema with line and column. Its messages say what is allowed; what was found is
 * looked up here.
 */
export function issuesOfZod(issues: readonly ZodIssue[], source: YamlSource): readonly FileIssue[] {
  const told = issues.flatMap(issue => {
    const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, { issue, source })
    if (issue.code === 'custom' && issue.params?.isUnknownKey === true) {
      return unknownKeys(path.slice(-1).map(String), path.slice(0, -1), { issue, source })
    }
    const value = valueAt(source.value, path)
    const found = isSecret(path) ? showSecret(value) : showPlain(value)
    return [{ ...source.locate(path), path: formatPath(path), found, allowed: issue.message }]
  })
  return told.sort((left, right) => left.line - right.line || left.column - right.column)
}

interface Context {
  readonly issue: ZodIssue
  readonly source: YamlSource
}

/** The message has one line for each key. */
function unknownKeys(
  keys: readonly string[],
  parent: Path,
  { issue, source }: Context,
): readonly FileIssue[] {
  const allowed = issue.message.split('\n')
  return keys.map((key, index) => ({
    ...source.locateKey([...parent, key]),
    path: formatPath([...parent, key]),
    found: 'an unknown key',
    allowed: allowed[index] ?? issue.message,
  }))
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined
    current = Reflect.get(current, part)
  }
  return current
}

/** Where a file may hold a secret in clear. */
function isSecret(path: Path): boolean {
  const [section, , member] = path
  return (
    (section === 'users' && member === 'password') ||
    (section === 'apiKeys' && member === 'key') ||
    (section === 'channels' && (member === 'keys' || member === 'headerOverride'))
  )
}

/** Lists and objects are not shown: secrets may lie in them; nor is the user and password of an address. */
function showPlain(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return showFound(typeof value === 'string' ? maskUserinfo(value) : value)
}

function showSecret(value: unknown): string {
  if (value === undefined || value === null) return showFound(value)
  return typeof value === 'string'
    ? `a text of ${value.length} characters`
    : `a value that is no secret (${typeof value})`
}
