import { type Check, isObject, textsOf } from './checks.ts'
import { keyEndpoints } from './key-endpoints.ts'

/** Where the sign of a conversation stands in some requests. Of a rule that has neither models nor endpoints every request is one. */
export interface AffinityRule {
  /** Names or patterns like `claude-*`. */
  readonly models?: readonly string[]
  /** The words by which keys allow endpoints: `chat`, `responses`, `messages`, `gemini`, … */
  readonly endpoints?: readonly string[]
  /** Members of the body, with dots between the names: `metadata.session`. */
  readonly fields?: readonly string[]
  readonly headers?: readonly string[]
}

const listsMax = 100
const parts: Readonly<Record<string, Check<readonly string[]>>> = {
  models: textsOf(text => text !== '', listsMax),
  endpoints: textsOf(text => keyEndpoints.some(name => name === text), listsMax),
  fields: textsOf(text => /^[^.]+(\.[^.]+)*$/.test(text), listsMax),
  headers: textsOf(text => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(text), listsMax),
}

const isRule: Check<AffinityRule> = (found): found is AffinityRule =>
  isObject(found) &&
  (found['fields'] !== undefined || found['headers'] !== undefined) &&
  Object.entries(found).every(([name, value]) => Object.hasOwn(parts, name) && parts[name]?.(value))

export const isAffinityRules: Check<readonly AffinityRule[]> = (found): found is readonly AffinityRule[] =>
  Array.isArray(found) && found.length <= listsMax && found.every(isRule)

export const affinityRuleWords =
  'a list of { models, endpoints, fields, headers }, each a list of texts; fields or headers must be there, headers are written small'
