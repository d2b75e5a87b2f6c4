import { type HeaderOverride, parseHeaderOverride } from './headers.ts'
import type { OverrideIssue } from './issues.ts'
import { Issues } from './issues.ts'
import { type ParamOverride, parseParamOverride } from './param-override.ts'
import type { SystemPrompt } from './system-prompt.ts'

/** What a channel changes about the requests that go its way, ready to be used. Immutable. */
export interface Overrides {
  readonly params: ParamOverride | undefined
  readonly headers: HeaderOverride | undefined
  readonly systemPrompt: SystemPrompt | undefined
  /** The client's body goes out as it came. */
  readonly passesThrough: boolean
  /** Upstream status → the status that the client is told. */
  readonly statuses: ReadonlyMap<number, number> | undefined
}

type Members = Readonly<Record<string, unknown>>

/** As the store has them. */
export interface StoredOverrides {
  readonly statusCodeMapping?: Members | undefined
  readonly paramOverride?: Members | undefined
  readonly headerOverride?: Members | undefined
  readonly settings: Members
  /** The option of this meaning, for all channels. */
  readonly passesThrough: boolean
}

type Reading =
  | { readonly kind: 'overrides'; readonly overrides: Overrides | undefined }
  | { readonly kind: 'issues'; readonly issues: readonly OverrideIssue[] }

/** A channel's overrides, or what is wrong with them; `undefined` where it has none, so that its requests pay for none. */
export function readOverrides(stored: StoredOverrides): Reading {
  const issues = new Issues()
  const overrides = {
    params: under('paramOverride', stored.paramOverride, issues, parseParamOverride),
    headers: under('headerOverride', stored.headerOverride, issues, parseHeaderOverride),
    systemPrompt: readSystemPrompt(stored.settings),
    passesThrough: stored.passesThrough || stored.settings['pass_through_body_enabled'] === true,
    statuses: under('statusCodeMapping', stored.statusCodeMapping, issues, parseStatuses),
  }
  if (issues.found.length > 0) return { kind: 'issues', issues: issues.found }
  const isIdle = Object.values(overrides).every(value => value === undefined || value === false)
  return { kind: 'overrides', overrides: isIdle ? undefined : overrides }
}

/** What is wrong with a `paramOverride`, each with its path within it. */
export function checkParamOverride(value: Members): readonly OverrideIssue[] {
  const issues = new Issues()
  parseParamOverride(value, issues)
  return issues.found
}

/** The same for the names of a header override, whose values may lie elsewhere. */
export function checkHeaderOverrideNames(names: readonly string[]): readonly OverrideIssue[] {
  const issues = new Issues()
  parseHeaderOverride(Object.fromEntries(names.map(name => [name, ''])), issues)
  return issues.found
}

function under<Value>(
  name: string,
  stored: Members | undefined,
  issues: Issues,
  parse: (stored: Members, issues: Issues) => Value | undefined,
): Value | undefined {
  if (stored === undefined) return undefined
  const own = new Issues()
  const value = parse(stored, own)
  for (const { path, allowed } of own.found) issues.add([name, ...path], allowed)
  return value
}

function readSystemPrompt(settings: Members): SystemPrompt | undefined {
  const text = settings['system_prompt']
  if (typeof text !== 'string' || text === '') return undefined
  return { text, prepends: settings['system_prompt_override'] === true }
}

export const mappableWords = 'an HTTP status of an error, 400 to 599: what succeeded is never mapped'

/** Whether a text or number is a status that may be mapped, or be mapped to. */
export const isErrorStatus = (status: unknown) => /^[45]\d\d$/.test(String(status))

function parseStatuses(stored: Members, issues: Issues): ReadonlyMap<number, number> | undefined {
  const statuses = new Map<number, number>()
  for (const [from, to] of Object.entries(stored)) {
    if (isErrorStatus(from) && isErrorStatus(to)) statuses.set(Number(from), Number(to))
    else issues.add([from], mappableWords)
  }
  return statuses.size === 0 ? undefined : statuses
}
