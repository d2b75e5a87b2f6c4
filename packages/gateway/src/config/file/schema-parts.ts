import { z } from 'zod'
import { suggestName } from '../suggest.ts'

/**
 * Parts of the declarative file's schema. Their messages say what is allowed, never what is wrong: the reader
 * of the file adds what it found, and where.
 */

/** An object that has these members and no others. Its message for unknown ones has a line for each. */
export function known<Shape extends z.ZodRawShape>(what: string, shape: Shape) {
  const names = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map(key => suggestName(key, names)).join('\n')
        : `${what} with ${names.join(', ')}`,
  })
}

export function text(allowed: string) {
  return z.string(allowed).min(1, allowed)
}

/** A text that `decode` makes a value of; `undefined` refuses it. */
export function textOf<Value>(allowed: string, decode: (found: string) => Value | undefined) {
  return z.string(allowed).transform((found, context): Value => {
    const value = decode(found)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: allowed })
    return z.NEVER
  })
}

/** A text as it stands, or where to find it. */
export const secretSource = z.union(
  [
    z.string().min(1),
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ file: z.string().min(1) }),
  ],
  { error: 'a text, { env: NAME } or { file: PATH }' },
)
export type SecretSource = z.output<typeof secretSource>

export function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: ({ input }) => suggestName(String(input), names) })
}

export function wholeNumber(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`
  return z.int(allowed).min(min, allowed).max(max, allowed)
}

export function listOf<Item extends z.ZodType>(item: Item, allowed: string) {
  return z.array(item, allowed)
}

export function mapOf<Value extends z.ZodType>(value: Value, allowed: string) {
  return z.record(z.string(), value, allowed)
}
