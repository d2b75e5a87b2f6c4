/**
 * What an option or a variable may be, said by plain functions: the gateway that serves then does without zod, 14 MB
 * and 25 ms of its start, and the message of a refusal is our own anyway.
 */
export type Check<Value> = (found: unknown) => found is Value

export type Checked<Of> = Of extends Check<infer Value> ? Value : never

export const isFlag: Check<boolean> = found => typeof found === 'boolean'

export const isObject: Check<Readonly<Record<string, unknown>>> = (found): found is Record<string, unknown> =>
  typeof found === 'object' && found !== null && !Array.isArray(found)

export function wholeBetween(min: number, max: number): Check<number> {
  return (found): found is number =>
    typeof found === 'number' && Number.isSafeInteger(found) && found >= min && found <= max
}

export function numberBetween(min: number, max: number): Check<number> {
  return (found): found is number => typeof found === 'number' && found >= min && found <= max
}

export function oneOf<const Name extends string>(names: readonly Name[]): Check<Name> {
  return (found): found is Name => names.some(name => name === found)
}

/** At most `countMax` texts, each of which fits. */
export function textsOf(fits: (text: string) => boolean, countMax: number): Check<readonly string[]> {
  return (found): found is readonly string[] =>
    Array.isArray(found) &&
    found.length <= countMax &&
    found.every(item => typeof item === 'string' && fits(item))
}
