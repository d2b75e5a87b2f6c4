import type { Checked } from './checks.ts'
import { ConfigError, type ConfigIssue, showFound } from './config-error.ts'
import { defineOptions, type OptionDefinition } from './options/kinds.ts'
import { limitOptions } from './options/limits.ts'
import { newApiOptions } from './options/new-api.ts'
import { ownOptions } from './options/own.ts'
import { suggestName } from './suggest.ts'

/** Every option there is. Console form, documents and `apply` are made from it. */
export const optionRegistry = { ...ownOptions, ...defineOptions(limitOptions), ...newApiOptions }

export type OptionKey = keyof typeof optionRegistry
export type Options = { readonly [Key in OptionKey]: Checked<(typeof optionRegistry)[Key]['accepts']> }
export type OptionDefaults = Partial<Options>

/** A row of the table `options`: `value` is JSON text. */
export interface StoredOption {
  readonly key: string
  readonly value: string
}

/**
 * Stored rows over `defaults` (the environment's) over the registry's fallbacks.
 * Throws `ConfigError` that names every unknown key and every value that is not allowed.
 */
export function resolveOptions(rows: Iterable<StoredOption>, defaults: OptionDefaults = {}): Options {
  const values: Record<string, unknown> = {}
  for (const [key, { fallback }] of Object.entries<OptionDefinition>(optionRegistry)) values[key] = fallback
  Object.assign(values, defaults)
  const issues: ConfigIssue[] = []
  for (const { key, value } of rows) {
    const checked = checkOption(key, parseStored(value))
    if (checked.kind === 'value') values[key] = checked.value
    else issues.push(checked.issue)
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return values as Options // decoding: every key has its fallback or a value that it accepts
}

export type CheckedOption =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'issue'; readonly issue: ConfigIssue }

/** One option as somebody wants to set it. */
export function checkOption(key: string, value: unknown): CheckedOption {
  const definition = findOption(key)
  if (definition === undefined) {
    const allowed = suggestName(key, Object.keys(optionRegistry))
    return { kind: 'issue', issue: { name: key, found: 'an unknown option', allowed } }
  }
  if (definition.accepts(value)) return { kind: 'value', value }
  return { kind: 'issue', issue: { name: key, found: showFound(value), allowed: definition.allowed } }
}

function findOption(key: string): OptionDefinition | undefined {
  // decoding: `key` is one of the registry's
  return Object.hasOwn(optionRegistry, key) ? optionRegistry[key as OptionKey] : undefined
}

function parseStored(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch (error) {
    if (error instanceof SyntaxError) return value
    throw error
  }
}
