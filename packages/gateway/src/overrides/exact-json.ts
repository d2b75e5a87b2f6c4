/** "JSON.parse source text access", which Node has and the compiler's library does not name yet. */
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): RawNumber
    isRawJSON(value: unknown): value is RawNumber
  }
}

interface RawNumber {
  readonly rawJSON: string
}

/**
 * JSON whose numbers keep their digits: one that a JavaScript number would write otherwise (`12345678901234567890`, `1.0`)
 * stays the text that it came as.
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && String(value) !== source ? JSON.rawJSON(String(source)) : value,
  )
}

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
}

/** The number that a JSON value is; `undefined` where it is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : undefined
}

/** A text as it is, anything else as its JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

export function typeOf(value: unknown): JsonType {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value as 'boolean' | 'string'
  if (numberOf(value) !== undefined) return 'number'
  return Array.isArray(value) ? 'array' : 'object'
}

/** A copy that shares nothing which can be changed. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isObject(value)) return value
  const copy: JsonObject = {}
  for (const [name, inner] of Object.entries(value)) put(copy, name, copyOf(inner))
  return copy
}

/** Sets an own member, whatever its name: `__proto__` too is only a name. */
export function put(holder: JsonObject, name: string, value: unknown): void {
  if (name !== '__proto__') holder[name] = value
  else Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true })
}

/** Equal as JSON: numbers by their value, objects without the order of their members. */
export function isSame(one: unknown, other: unknown): boolean {
  const type = typeOf(one)
  if (type !== typeOf(other)) return false
  if (type === 'number') return numberOf(one) === numberOf(other)
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]))
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one)
    return (
      names.length === Object.keys(other).length &&
      names.every(name => Object.hasOwn(other, name) && isSame(one[name], other[name]))
    )
  }
  return type === 'null' || one === other
}
