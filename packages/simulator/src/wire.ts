/** Text that is JSON already: `wire` puts it in as it is, any other value it writes as JSON. */
export interface Wire {
  readonly wire: string
}

const literals = new WeakMap<TemplateStringsArray, readonly string[]>()

/**
 * Wire text written by hand, the way a vendor's page shows it. Line breaks and indentation of the template
 * vanish, so that the source may be laid out; `undefined` becomes `null`.
 */
export function wire(template: TemplateStringsArray, ...values: readonly unknown[]): Wire {
  const pieces = literalsOf(template)
  let text = pieces[0] ?? ''
  for (let index = 0; index < values.length; index++) {
    text += textOf(values[index]) + (pieces[index + 1] ?? '')
  }
  return { wire: text }
}

/** Text that is put in without quotes. */
export function raw(text: string): Wire {
  return { wire: text }
}

/** What stands where an optional member is left out. */
export const nothing: Wire = { wire: '' }

/** A JSON array of pieces. */
export function list(items: readonly Wire[]): Wire {
  return { wire: `[${items.map(item => item.wire).join(',')}]` }
}

function literalsOf(template: TemplateStringsArray): readonly string[] {
  const known = literals.get(template)
  if (known !== undefined) return known
  const stripped = template.map(piece => piece.replace(/\n\s*/g, ''))
  literals.set(template, stripped)
  return stripped
}

function textOf(value: unknown): string {
  if (isWire(value)) return value.wire
  return JSON.stringify(value) ?? 'null'
}

function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && 'wire' in value && typeof value.wire === 'string'
}
