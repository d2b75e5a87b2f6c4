/**
 * The model's name at the channel's upstream: its mapping, followed to the end. A model that is mapped to itself stays; a chain that
 * leads back to a name before its last is a mistake of the operator's: `undefined`.
 */
export function mapModel(
  { modelMapping }: { readonly modelMapping: ReadonlyMap<string, string> },
  model: string,
): string | undefined {
  if (modelMapping.size === 0) return model
  const seen = new Set([model])
  let name = model
  for (;;) {
    const next = modelMapping.get(name)
    if (next === undefined || next === '' || next === name) return name
    if (seen.has(next)) return undefined
    seen.add(next)
    name = next
  }
}
