/**
 * The name under which a whole family of a model may be listed, where nobody lists the literal one; `undefined` for all others.
 * New API's names (relay.md §4.2): channels, key limits and prices that moved in use them.
 */
export function familyName(model: string): string | undefined {
  if (model.startsWith('gpt-4-gizmo-')) return 'gpt-4-gizmo-*'
  if (model.startsWith('gpt-4o-gizmo-')) return 'gpt-4o-gizmo-*'
  if (!model.includes('-thinking-')) return undefined
  const base = geminiBases.find(name => model.startsWith(name))
  return base === undefined ? undefined : `${base}-thinking-*`
}

/** The longest first. */
const geminiBases = ['gemini-2.5-flash-lite', 'gemini-2.5-flash', 'gemini-2.5-pro']
