import { type Check, isFlag, isObject, numberBetween, textsOf, wholeBetween } from '../checks.ts'

/**
 * A runtime value that the store keeps: what it may be, what it is when nobody set it, and what it is for.
 */
export interface OptionDefinition<Value = unknown> {
  readonly accepts: Check<Value>
  readonly fallback: Value
  readonly allowed: string
  readonly about: string
  /** Taken from New API and kept, but nothing reads it yet; `doctor` says so. */
  readonly isPlanned?: true
}

const dayMs = 86_400_000
export const milliseconds = (least: number, fallback: number, about: string) => ({
  accepts: wholeBetween(least, dayMs),
  fallback,
  allowed: `whole milliseconds from ${least} to ${dayMs}`,
  about,
})
export const wholeNumber = (max: number, fallback: number, about: string) => ({
  accepts: wholeBetween(0, max),
  fallback,
  allowed: `a whole number from 0 to ${max}`,
  about,
})
export const countFrom1 = (max: number, fallback: number, about: string) => ({
  accepts: wholeBetween(1, max),
  fallback,
  allowed: `a whole number from 1 to ${max}`,
  about,
})
export const flag = (fallback: boolean, about: string) => ({
  accepts: isFlag,
  fallback,
  allowed: 'true or false',
  about,
})

export function defineOptions<const Definitions extends Record<string, OptionDefinition>>(
  options: Definitions,
): Definitions {
  for (const [key, { accepts, fallback }] of Object.entries(options)) {
    if (!accepts(fallback)) throw new Error(`option ${key}: its fallback is not allowed`)
  }
  return options
}

export function planned<Definition>(definition: Definition): Definition & { readonly isPlanned: true } {
  return { ...definition, isPlanned: true }
}

export function names(fallback: readonly string[], about: string) {
  return {
    accepts: textsOf(text => text !== '', 10_000),
    fallback,
    allowed: 'a list of texts',
    about,
  }
}

export function object(fallback: Readonly<Record<string, unknown>>, about: string) {
  return { accepts: isObject, fallback, allowed: 'an object', about }
}

export function share(fallback: number, about: string) {
  return { accepts: numberBetween(0, 1), fallback, allowed: 'a number from 0 to 1', about }
}
