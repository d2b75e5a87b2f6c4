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

/** The model's name at the channel's upstream; `undefined` where its mapping leads back to itself. */
export function mapChannelModel(
  channel: { readonly modelMapping: ReadonlyMap<string, string> },
  model: string,
): string | undefined {
  return mapModel(channel.modelMapping, model)
}
