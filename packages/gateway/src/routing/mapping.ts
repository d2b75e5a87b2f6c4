/**
 * Follows a channel's mapping to its end. A model that is mapped to itself stays; a chain that leads back to a name before its last is a
 * mistake of the operator's: `undefined`.
 */
export function mapModel(mapping: ReadonlyMap<string, string>, model: string): string | undefined {
  if (mapping.size === 0) return model
  const seen = new Set([model])
  let name = model
  for (;;) {
    const next = mapping.get(name)
    if (next === undefined || next === '' || next === name) return name
    if (seen.has(next)) return undefined
    seen.add(next)
    name = next
  }
}
