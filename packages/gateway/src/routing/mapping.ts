/** Follows a channel's mapping to its end. A name that leads back to one already seen stops there: the last new name counts. */
export function mapModel(mapping: ReadonlyMap<string, string>, model: string): string {
  if (mapping.size === 0) return model
  const seen = new Set([model])
  let name = model
  for (;;) {
    const next = mapping.get(name)
    if (next === undefined || next === '' || seen.has(next)) return name
    seen.add(next)
    name = next
  }
}
