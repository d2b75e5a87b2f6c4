import type { JsonObject } from '../json.ts'
import { refuse } from '../refusal.ts'

/** Both spellings are taken, as by Google's JSON parser: `toolConfig` and `tool_config`. */
export function member(body: JsonObject, name: string): unknown {
  return body[name] ?? body[name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)]
}

/** Google's parser refuses names that it does not know. */
export function checkMembers(body: JsonObject, known: ReadonlySet<string>, place: string): void {
  for (const name of Object.keys(body)) {
    const camel = name.replace(/(?<=.)_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (known.has(camel)) continue
    refuse(`Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`)
  }
}
