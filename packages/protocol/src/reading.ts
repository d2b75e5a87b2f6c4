/** A JSON object as it came from outside: each member is looked at before it is used. */
export type Wire = Readonly<Record<string, unknown>>

const nothing: readonly unknown[] = []

/** Whether `value` is a JSON object; arrays are none. */
export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at `key`, or `undefined`. */
export function wireAt(holder: unknown, key: string): Wire | undefined {
  if (!isWire(holder)) return undefined
  const value = holder[key]
  return isWire(value) ? value : undefined
}

/** The list at `key`; an empty one when there is none. */
export function listAt(holder: unknown, key: string): readonly unknown[] {
  if (!isWire(holder)) return nothing
  const value = holder[key]
  return Array.isArray(value) ? value : nothing
}

/** The string at `key`; empty when there is none. */
export function textAt(holder: unknown, key: string): string {
  if (!isWire(holder)) return ''
  const value = holder[key]
  return typeof value === 'string' ? value : ''
}

/**
 * A string as it is, another JSON value as JSON: tool arguments come both ways. What is nested too deep gives
 * ''.
 */
export function jsonText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) return ''
    throw error
  }
}

/** The value of `text`, or `undefined` when it is no JSON (JSON itself has no `undefined`). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
